//! Configuration of the database layer: target, pool sizes and timeouts. Values only; `config` parses the
//! settings they come from.

use std::path::PathBuf;
use std::time::Duration;

/// How to open the database.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// Engine and location.
    pub(crate) target: Target,
    /// Pool size: read connections (SQLite) or all connections (PostgreSQL).
    pub(crate) connections: u32,
    /// How long a caller waits for a free connection before it fails as overloaded.
    pub(crate) wait: Duration,
    /// SQLite: `busy_timeout`, how long to wait while another process locks the file.
    pub(crate) busy_timeout: Duration,
    /// SQLite: maximum number of writes committed as one group.
    pub(crate) max_group: usize,
    /// Maximum number of queued units of work; further ones fail as overloaded.
    pub(crate) max_waiting: usize,
    /// SQLite: size of the write-ahead log, in bytes, past which reads pause for it to be emptied.
    pub(crate) wal_max: u64,
    /// PostgreSQL: how long to wait for what.
    pub(crate) postgres: PostgresTimeouts,
}

/// How long PostgreSQL may take, and how soon a server that is gone is noticed. Parameters of the URL win.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostgresTimeouts {
    /// To accept a connection.
    pub(crate) connect: Duration,
    /// For a statement: the server ends it.
    pub(crate) statement: Duration,
    /// For a lock: the server ends the statement that waits for it.
    pub(crate) lock: Duration,
    /// Between two statements of a transaction: the server ends the connection.
    pub(crate) idle_transaction: Duration,
    /// Without traffic until the system asks whether the other side is there.
    pub(crate) keepalive: Duration,
    /// For the other side to acknowledge what was sent.
    pub(crate) tcp_user: Duration,
}

impl Default for PostgresTimeouts {
    /// As the settings' defaults.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            statement: Duration::from_secs(6),
            lock: Duration::from_secs(4),
            idle_transaction: Duration::from_secs(5),
            keepalive: Duration::from_secs(4),
            tcp_user: Duration::from_secs(8),
        }
    }
}

impl DbConfig {
    /// Default configuration for a target.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            connections: 8,
            wait: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            max_group: 256,
            max_waiting: 4096,
            postgres: PostgresTimeouts::default(),
            wal_max: 64 << 20,
        }
    }
}

/// Engine and location, parsed from `DATABASE_URL`.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Path of a SQLite file.
    Sqlite(PathBuf),
    /// libpq URL of a PostgreSQL server. It contains the password, hence no `Debug`.
    Postgres(String),
}

impl std::fmt::Display for Target {
    /// Omits user and password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                let after_credentials = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest);
                let host_and_name = after_credentials.split('?').next().unwrap_or_default();
                write!(f, "postgres://{}", host_and_name.trim_start_matches("postgres://"))
            }
        }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({self})")
    }
}
