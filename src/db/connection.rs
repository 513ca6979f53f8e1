//! A connection that is PostgreSQL or SQLite at run time, and the pool manager that opens and validates it.
//! Queries belong to the repositories.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use super::{DbConfig, Target};

/// A connection to either engine. Queries valid on both run on it directly; the others go through `each!`.
#[derive(diesel::MultiConnection)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum DbConnection {
    Postgresql(PgConnection),
    Sqlite(SqliteConnection),
}

/// Writes a query once for both engines where Diesel's `MultiConnection` cannot take it (`ON CONFLICT`, bulk
/// inserts).
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

    /// The PostgreSQL connection, for statements that only PostgreSQL has (arrays).
    pub(crate) fn postgres(&mut self) -> Option<&mut PgConnection> {
        match self {
            Self::Postgresql(connection) => Some(connection),
            Self::Sqlite(_) => None,
        }
    }

    pub(super) fn execute_batch(&mut self, sql: &str) -> diesel::QueryResult<()> {
        each!(self, |c| c.batch_execute(sql))
    }
}

/// Whether a connection may write. On SQLite, read connections are opened with `query_only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Opens connections for the pool, the writer and the commands.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    target: Target,
    access: Access,
    busy_timeout: std::time::Duration,
    /// Whether the last attempt to connect failed.
    pub(super) is_away: Arc<AtomicBool>,
}

/// A pooled connection, and whether it may be reused.
pub(super) struct Pooled {
    pub(super) connection: DbConnection,
    /// Set while the connection is in use, and left set by a panic, a lost server or a transaction that could
    /// not be ended: such a connection is dropped instead of being reused in an unknown state.
    pub(super) is_unsettled: bool,
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The engine refused it or could not be reached.
    #[error(transparent)]
    Establish(#[from] diesel::ConnectionError),
    /// Applying the session settings failed.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
    /// The SQLite file's folder could not be created.
    #[error("cannot create the folder of the database: {0}")]
    Folder(#[from] std::io::Error),
}

/// libpq parameters, unless the URL sets them. The defaults wait minutes or for ever for a server whose
/// machine or network is gone. Seconds, except `tcp_user_timeout` in milliseconds.
const POSTGRES_PARAMETERS: &[(&str, &str)] = &[
    ("connect_timeout", "2"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "20000"),
];

fn with_parameters(url: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let given = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let mut with = url.to_owned();
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, value) in POSTGRES_PARAMETERS.iter().filter(|(name, _)| !given(name)) {
        with.push_str(&format!("{separator}{name}={value}"));
        separator = '&';
    }
    with
}

impl Manager {
    pub(super) fn new(config: &DbConfig, access: Access) -> Self {
        Self {
            target: config.target.clone(),
            access,
            busy_timeout: config.busy_timeout,
            is_away: Arc::default(),
        }
    }

    /// Opens a connection. Written by hand because the `establish` that Diesel derives hides the cause of a
    /// failure.
    pub(super) fn establish(&self) -> Result<DbConnection, ConnectError> {
        match &self.target {
            Target::Postgres(url) => {
                let mut connection = PgConnection::establish(&with_parameters(url))?;
                connection.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages = warning")?;
                Ok(DbConnection::Postgresql(connection))
            }
            Target::Sqlite(path) => {
                if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder)?;
                }
                let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
                // `busy_timeout` first: switching to WAL may itself have to wait for another process.
                // `secure_delete`: what is deleted is overwritten, not only unlinked.
                connection.batch_execute(&format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA query_only = {}",
                    self.busy_timeout.as_millis(),
                    if self.access == Access::Read { "ON" } else { "OFF" },
                ))?;
                Ok(DbConnection::Sqlite(connection))
            }
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectError;

    fn connect(&self) -> Result<Pooled, ConnectError> {
        let made = self.establish();
        self.is_away.store(made.is_err(), Ordering::Relaxed);
        Ok(Pooled { connection: made?, is_unsettled: false })
    }

    /// Not called by the pool (`test_on_check_out` is off): beginning the caller's transaction is the test.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), ConnectError> {
        Ok(pooled.connection.execute_batch("SELECT 1")?)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.is_unsettled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_never_shows_its_password() {
        let target = Target::Postgres("postgres://souk:s3cret@db:5432/souk?sslmode=disable".into());
        assert_eq!(target.to_string(), "postgres://db:5432/souk");
        assert!(!format!("{target:?}").contains("s3cret"));
        assert_eq!(Target::Postgres("postgres://db/souk".into()).to_string(), "postgres://db/souk");
    }
    #[test]
    fn a_server_that_does_not_answer_is_given_up_unless_the_url_says_otherwise() {
        let with = with_parameters("postgres://db/souk");
        assert!(with.starts_with("postgres://db/souk?connect_timeout=2&keepalives_idle=10&"), "{with}");
        let with = with_parameters("postgres:///souk?host=/run&connect_timeout=9");
        assert!(
            with.starts_with("postgres:///souk?host=/run&connect_timeout=9&keepalives_idle=10&"),
            "{with}"
        );
        assert_eq!(with.matches("connect_timeout").count(), 1);
    }
}
