//! How to open the database.

use std::path::PathBuf;
use std::time::Duration;

/// How to open the database.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// Where the data lives.
    pub target: Target,
    /// Connections for reading (SQLite), or for everything (PostgreSQL).
    pub connections: u32,
    /// How long a caller waits for a free connection.
    pub wait: Duration,
    /// SQLite: how long to wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// SQLite: most writes committed as one group.
    pub max_group: usize,
    /// Most units of work that may wait; more are refused as overload.
    pub max_waiting: usize,
}

impl DbConfig {
    /// The defaults, for a target.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            connections: 8,
            wait: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            max_group: 256,
            max_waiting: 4096,
        }
    }
}

/// Where the data lives, parsed from `DATABASE_URL`.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as a libpq URL (with its password, hence no `Debug` of it).
    Postgres(String),
}

impl Target {
    /// A `postgres://` or `postgresql://` URL, or the path of a SQLite file (`sqlite://` may precede it).
    pub fn parse(url: &str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::Postgres(url.to_owned());
        }
        Self::Sqlite(PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url)))
    }
}

impl std::fmt::Display for Target {
    /// Without user and password.
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
