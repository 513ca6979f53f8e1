//! From a configuration to a server that runs until it is told to stop.

use crate::config::{DatabaseConfig, DatabaseUrl};
use crate::db::{DbConfig, Target};

/// What the database is told of the configuration.
pub fn db_config(config: &DatabaseConfig) -> DbConfig {
    DbConfig {
        target: match &config.database_url {
            DatabaseUrl::Sqlite(path) => Target::Sqlite(path.clone()),
            DatabaseUrl::Postgres(url) => Target::Postgres(url.expose().clone()),
        },
        connections: config.database_connections,
        wait: config.database_acquire_timeout,
        busy_timeout: config.database_busy_timeout,
        max_group: config.database_group_max,
        max_waiting: config.database_queue,
    }
}
