//! Souk.
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod events;
pub mod ids;
pub mod realtime;
