//! Building, running and stopping the server: the one place that mounts both edges, HTTP and live connections.

pub mod revocation_poll;
pub mod scheduler;
mod startup;

pub use startup::{Server, StartError, Stop, allow_many_files, build, db_config, shutdown_signal};
