//! Souk.
pub mod clock;
pub mod config;
pub mod domain;
pub mod ids;
pub mod realtime;
