//! Souk.
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod events;
pub mod http;
pub mod ids;
pub mod realtime;
pub mod startup;
pub mod telemetry;
