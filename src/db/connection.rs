//! One connection type that is PostgreSQL or SQLite at run time, and the pool's way of making one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use super::{DbConfig, Target};

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

/// Whether a connection may write. On SQLite a reader's connection refuses writes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Makes connections: for the pool, for the writer, for commands.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    target: Target,
    access: Access,
    busy_timeout: std::time::Duration,
    /// Whether the last connection could not be made.
    pub(super) is_away: Arc<AtomicBool>,
}

/// A connection of the pool, and whether it may be used again.
pub(super) struct Pooled {
    pub(super) connection: DbConnection,
    /// Set while somebody works with it, and left so by a panic, a lost server or a transaction that could not be ended:
    /// such a connection is dropped, whatever state it is in.
    pub(super) is_unsettled: bool,
}

/// A connection could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The engine refused or could not be reached.
    #[error(transparent)]
    Establish(#[from] diesel::ConnectionError),
    /// The connection does not take its settings.
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
    /// The folder of the SQLite file cannot be made.
    #[error("cannot create the folder of the database: {0}")]
    Folder(#[from] std::io::Error),
}

/// What libpq is told unless the URL says otherwise. Its own defaults wait for minutes, or for ever, for a server whose
/// machine or network is gone. Seconds, but for the milliseconds of `tcp_user_timeout`.
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

    /// A new connection. Ours, since the `establish` that Diesel derives hides why it failed.
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
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectError;

    fn connect(&self) -> Result<Pooled, ConnectError> {
        let made = self.establish();
        self.is_away.store(made.is_err(), Ordering::Relaxed);
        Ok(Pooled { connection: made?, is_unsettled: false })
    }

    /// Not asked by the pool: beginning the transaction of whoever takes the connection is the test.
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
    fn the_url_decides_the_engine_and_never_shows_its_password() {
        assert_eq!(Target::parse("data/souk.db"), Target::Sqlite("data/souk.db".into()));
        assert_eq!(Target::parse("sqlite://x.db"), Target::Sqlite("x.db".into()));
        let target = Target::parse("postgres://souk:s3cret@db:5432/souk?sslmode=disable");
        assert_eq!(target.to_string(), "postgres://db:5432/souk");
        assert!(!format!("{target:?}").contains("s3cret"));
        assert_eq!(Target::parse("postgres://db/souk").to_string(), "postgres://db/souk");
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
