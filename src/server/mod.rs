//! Builds, runs and stops the server, and runs its periodic tasks. The only module that mounts both HTTP and
//! live connections; it decides nothing about requests or sessions.

mod bus;
mod heartbeat;
mod journal;
mod metrics_feed;
mod options;
mod progress;
mod recorder_feed;
pub mod retention;
pub mod scheduler;
mod service_manager;
mod startup;
mod tail;

pub use options::db_config;
pub(crate) use startup::shutdown_signal;
pub use startup::{Stop, allow_many_files, build};
