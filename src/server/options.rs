//! Maps the configuration to the options of the components.

use crate::app::App;
use crate::config::{DatabaseConfig, DatabaseUrl};
use crate::db::{DbConfig, PostgresTimeouts, Target};
use crate::hub::{Closing, DrainPlan};

/// Sessions get six tenths of the stop timeout, requests in flight three, and the last writes the rest.
pub(super) fn drain_plan(app: &App, closing: Closing) -> DrainPlan {
    let config = &app.config.realtime;
    DrainPlan {
        batch: config.stop_batch,
        pause: config.stop_pause,
        reconnect_jitter: config.reconnect_jitter,
        seed: u64::try_from(app.clock.now().as_micros()).unwrap_or(0),
        closing,
        deadline: app.config.server.stop_timeout.mul_f64(0.6),
    }
}

/// Maps the configuration to the database's options.
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
        wal_max: u64::try_from(config.database_wal_max).unwrap_or(u64::MAX),
        postgres: PostgresTimeouts {
            connect: config.database_connect_timeout,
            statement: config.database_statement_timeout,
            lock: config.database_lock_timeout,
            idle_transaction: config.database_idle_transaction_timeout,
            keepalive: config.database_keepalive,
            tcp_user: config.database_tcp_user_timeout,
        },
    }
}
