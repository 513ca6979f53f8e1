//! The database URL, and the bounds on connections, queued writes and waiting times.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::value::{count, duration, size};
use crate::secret::Secret;

/// The database and the bounds on its use.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseConfig {
    /// A SQLite file, or postgres://user:password@host/name
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "PATH|URL",
        default_value = "data/souk.db",
        hide_env_values = true
    )]
    pub(crate) database_url: DatabaseUrl,

    /// Connections: for reads on SQLite, which has one more for writes; for reads and writes on PostgreSQL
    #[arg(
        long, env = "SOUK_DATABASE_CONNECTIONS", value_name = "COUNT", default_value = "16",
        value_parser = count::<u32>
    )]
    pub(crate) database_connections: u32,

    /// Maximum number of writes that SQLite commits together
    #[arg(
        long, env = "SOUK_DATABASE_GROUP_MAX", value_name = "COUNT", default_value = "256",
        value_parser = count::<usize>
    )]
    pub(crate) database_group_max: usize,

    /// Writes that may be queued; more are refused as overload
    #[arg(
        long, env = "SOUK_DATABASE_QUEUE", value_name = "COUNT", default_value = "4096",
        value_parser = count::<usize>
    )]
    pub(crate) database_queue: usize,

    /// How long to wait for another process that holds the SQLite file
    #[arg(
        long, env = "SOUK_DATABASE_BUSY_TIMEOUT", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) database_busy_timeout: Duration,

    /// How long a caller waits for a free connection
    #[arg(
        long, env = "SOUK_DATABASE_ACQUIRE_TIMEOUT", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) database_acquire_timeout: Duration,

    /// Size of SQLite's write-ahead log at which reads pause for a moment while it is emptied
    #[arg(
        long, env = "SOUK_DATABASE_WAL_MAX", value_name = "SIZE", default_value = "64MiB",
        value_parser = size
    )]
    pub(crate) database_wal_max: usize,

    /// PostgreSQL: how long to wait for a new connection
    ///
    /// Of this and the following settings, what the URL says itself wins (connect_timeout=, options=-c …).
    #[arg(
        long, env = "SOUK_DATABASE_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "2s",
        value_parser = duration
    )]
    pub(crate) database_connect_timeout: Duration,

    /// PostgreSQL: how long a statement may take; the server ends it. Not of migrations and maintenance
    ///
    /// A server from which nothing is heard 2 s later counts as lost: callers get 503, and its connections are given up.
    #[arg(
        long, env = "SOUK_DATABASE_STATEMENT_TIMEOUT", value_name = "DURATION", default_value = "6s",
        value_parser = duration
    )]
    pub(crate) database_statement_timeout: Duration,

    /// PostgreSQL: how long a statement may wait for a lock
    #[arg(
        long, env = "SOUK_DATABASE_LOCK_TIMEOUT", value_name = "DURATION", default_value = "4s",
        value_parser = duration
    )]
    pub(crate) database_lock_timeout: Duration,

    /// PostgreSQL: how long a transaction may pause between two statements; the server ends the connection
    ///
    /// Until then, the transactions of a node that is gone hold their locks.
    #[arg(
        long, env = "SOUK_DATABASE_IDLE_TRANSACTION_TIMEOUT", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) database_idle_transaction_timeout: Duration,

    /// PostgreSQL: how long a connection is quiet before the system asks whether the other side is there
    ///
    /// It asks twice, at half of this, before it gives the connection up. In whole seconds.
    #[arg(
        long, env = "SOUK_DATABASE_KEEPALIVE", value_name = "DURATION", default_value = "4s",
        value_parser = duration
    )]
    pub(crate) database_keepalive: Duration,

    /// PostgreSQL: how long the other side may leave unacknowledged what was sent to it
    #[arg(
        long, env = "SOUK_DATABASE_TCP_USER_TIMEOUT", value_name = "DURATION", default_value = "8s",
        value_parser = duration
    )]
    pub(crate) database_tcp_user_timeout: Duration,

    /// PostgreSQL: a server that has not heard for this long what other nodes commit closes its sessions (1012)
    #[arg(
        long, env = "SOUK_FENCE_TIMEOUT", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) fence_timeout: Duration,
}

/// The location of the data, which determines the engine.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A SQLite file, created if it does not exist.
    Sqlite(PathBuf),
    /// A PostgreSQL connection URL; secret, since it may hold a password.
    Postgres(Secret<String>),
}

impl DatabaseUrl {
    /// The path of the SQLite file; `None` for PostgreSQL.
    pub(crate) fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// The text is not a database URL that Souk supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDatabase {
    /// Another engine's URL.
    #[error("must be the path of a SQLite file, or a postgres:// URL")]
    UnknownScheme,
    /// A postgres URL that does not parse.
    #[error("must be written as postgres://user:password@host:port/name")]
    Malformed,
    /// `:memory:` and the like, where every connection would see its own database.
    #[error("must be a file: a database in memory cannot be shared by several connections")]
    InMemory,
    /// Empty text.
    #[error("must not be empty")]
    Empty,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabase;
    fn from_str(text: &str) -> Result<Self, InvalidDatabase> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            url::Url::parse(text).map_err(|_| InvalidDatabase::Malformed)?;
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        match path {
            "" => Err(InvalidDatabase::Empty),
            path if path.contains(":memory:") || path.contains("mode=memory") => {
                Err(InvalidDatabase::InMemory)
            }
            path if path.contains("://") || path.starts_with("file:") => Err(InvalidDatabase::UnknownScheme),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }
}

/// Masks the password, so that the URL may be logged.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url.expose()) {
                Ok(url) => {
                    let user = if url.username().is_empty() { "" } else { "***@" };
                    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                    write!(f, "postgres://{user}{}{port}{}", url.host_str().unwrap_or_default(), url.path())
                }
                Err(_) => f.write_str("postgres://***"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_decided_by_the_url() {
        for text in ["data/souk.db", "sqlite:data/souk.db", "sqlite://data/souk.db"] {
            assert_eq!(text.parse(), Ok(DatabaseUrl::Sqlite("data/souk.db".into())), "{text}");
        }
        assert!(matches!("postgres://souk@db/souk".parse(), Ok(DatabaseUrl::Postgres(_))));
        assert_eq!("mysql://db/souk".parse::<DatabaseUrl>(), Err(InvalidDatabase::UnknownScheme));
        assert_eq!(":memory:".parse::<DatabaseUrl>(), Err(InvalidDatabase::InMemory));
        assert_eq!("".parse::<DatabaseUrl>(), Err(InvalidDatabase::Empty));
    }

    #[test]
    fn a_password_is_not_shown() {
        let url: DatabaseUrl = "postgres://souk:hunter2@db:5433/souk?password=hunter2".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://***@db:5433/souk postgres://***@db:5433/souk");
    }
}
