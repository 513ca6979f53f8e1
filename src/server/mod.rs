//! Builds, runs and stops the server, and runs its periodic tasks. The only module that mounts both HTTP and
//! live connections; it decides nothing about requests or sessions.

mod journal;
mod progress;
pub mod revocation_poll;
pub mod scheduler;
mod service_manager;
mod startup;

pub(crate) use startup::shutdown_signal;
pub use startup::{Stop, allow_many_files, build, db_config};
