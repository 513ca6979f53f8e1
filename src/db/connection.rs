//! One connection type that is PostgreSQL or SQLite at run time, and the pool's way of making one.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

/// A connection to either engine. Queries that both understand run on it as they are; the rest go through `each!`.
#[derive(diesel::MultiConnection)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum DbConnection {
    Postgresql(PgConnection),
    Sqlite(SqliteConnection),
}

/// Writes a query once for both engines where the enum cannot take it (`ON CONFLICT`, bulk inserts).
macro_rules! each {
    ($connection:expr, |$inner:ident| $body:expr) => {
        match $connection {
            $crate::db::DbConnection::Postgresql($inner) => $body,
            $crate::db::DbConnection::Sqlite($inner) => $body,
        }
    };
}
pub(crate) use each;

impl DbConnection {
    /// Whether this is PostgreSQL, for the few statements that only one engine needs (row locks).
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgresql(_))
    }

    pub(super) fn execute_batch(&mut self, sql: &str) -> diesel::QueryResult<()> {
        each!(self, |c| c.batch_execute(sql))
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

/// Whether a connection may write. On SQLite a reader's connection refuses writes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Makes and checks connections for r2d2. Ours, since the derived `establish` hides why it failed.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) target: Target,
    pub(super) access: Access,
    pub(super) busy_timeout: std::time::Duration,
}

/// A connection could not be made or no longer answers.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The engine refused or could not be reached.
    #[error(transparent)]
    Establish(#[from] diesel::ConnectionError),
    /// The connection does not answer.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
    /// The folder of the SQLite file cannot be made.
    #[error("cannot create the folder of the database: {0}")]
    Folder(#[from] std::io::Error),
}

impl r2d2::ManageConnection for Manager {
    type Connection = DbConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<DbConnection, ConnectError> {
        match &self.target {
            Target::Postgres(url) => {
                let mut connection = PgConnection::establish(url)?;
                connection.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages = warning")?;
                Ok(DbConnection::Postgresql(connection))
            }
            Target::Sqlite(path) => {
                if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder)?;
                }
                let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
                // The busy timeout comes first: switching to WAL itself may have to wait for another process.
                connection.batch_execute(&format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA query_only = {}",
                    self.busy_timeout.as_millis(),
                    if self.access == Access::Read { "ON" } else { "OFF" },
                ))?;
                Ok(DbConnection::Sqlite(connection))
            }
        }
    }

    fn is_valid(&self, connection: &mut DbConnection) -> Result<(), ConnectError> {
        Ok(connection.execute_batch("SELECT 1")?)
    }

    /// Units of work bracket their own transactions and a connection whose bracket failed is dropped by them
    /// (see `Lease`); what is left to notice here is a job that panicked, which poisons the lease as well.
    fn has_broken(&self, _: &mut DbConnection) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_decides_the_engine_and_never_shows_its_password() {
        assert_eq!(Target::parse("data/souk.db"), Target::Sqlite("data/souk.db".into()));
        assert_eq!(Target::parse("sqlite://x.db"), Target::Sqlite("x.db".into()));
        let target = Target::parse("postgres://souk:s3cret@db:5432/souk?sslmode=disable");
        assert_eq!(target.to_string(), "postgres://db:5432/souk");
        assert!(!format!("{target:?}").contains("s3cret"));
        assert_eq!(Target::parse("postgres://db/souk").to_string(), "postgres://db/souk");
    }
}
