//! A connection that is PostgreSQL or SQLite at run time, and how it is opened. Queries belong to the repositories.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::{DbConfig, PostgresTimeouts, Target};

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

    /// Executes statements, which SQLite compiles each time.
    pub(super) fn execute_batch(&mut self, sql: &str) -> QueryResult<()> {
        each!(self, |c| c.batch_execute(sql))
    }

    /// Executes what begins or ends a transaction, on SQLite a single statement, which it compiles once per
    /// connection.
    pub(super) fn control(&mut self, sql: &'static str) -> QueryResult<()> {
        match self {
            Self::Postgresql(connection) => connection.batch_execute(sql),
            Self::Sqlite(connection) => Control(sql).execute(connection).map(drop),
        }
    }
}

/// A statement without parameters, cached by its text.
struct Control(&'static str);

impl QueryId for Control {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for Control {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for Control {}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads; SQLite refuses to write on it.
    Read,
    /// Units of work.
    Write,
    /// Migrations and maintenance, which may take as long as they must.
    Maintain,
}

/// Opens connections for the pool, the writer and the commands.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    target: Target,
    access: Access,
    busy_timeout: Duration,
    postgres: PostgresTimeouts,
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

/// The server's messages in English, which `error` reads, wherever the server is. Diesel passes no SQLSTATE on, and
/// libpq's verbosity, which could put it into the message, is out of reach. Superusers may set this, and
/// whoever was granted it; for others an error would stand in the server's log once per connection.
const ENGLISH: &str =
    "DO $$ BEGIN SET lc_messages = 'C'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// The URL with libpq's parameters, unless it sets them itself. Their defaults wait minutes or for ever for a server
/// whose machine or network is gone.
fn with_parameters(url: &str, timeouts: &PostgresTimeouts) -> String {
    let seconds = |duration: Duration| duration.as_millis().div_ceil(1000).max(1);
    let parameters = [
        ("connect_timeout", seconds(timeouts.connect)),
        ("keepalives_idle", seconds(timeouts.keepalive)),
        ("keepalives_interval", seconds(timeouts.keepalive / 2)),
        ("keepalives_count", 2),
        ("tcp_user_timeout", timeouts.tcp_user.as_millis()),
    ];
    let mut with = url.to_owned();
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, value) in
        parameters.iter().filter(|(name, _)| !parameters_of(url).any(|(given, _)| given == *name))
    {
        with.push_str(&format!("{separator}{name}={value}"));
        separator = '&';
    }
    with
}

fn parameters_of(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Whether the URL's `options` (`-c name=value`) set this variable of the server.
pub(super) fn sets_variable(url: &str, name: &str) -> bool {
    parameters_of(url).filter(|(parameter, _)| *parameter == "options").any(|(_, options)| {
        let options = percent_encoding::percent_decode_str(options).decode_utf8_lossy();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        options.split(|c| !is_name(c)).any(|word| word == name)
    })
}

/// The statement that bounds what the session waits for: 0 is for ever.
fn session_settings(url: &str, access: Access, timeouts: &PostgresTimeouts) -> String {
    let variables = [
        ("statement_timeout", timeouts.statement),
        ("lock_timeout", timeouts.lock),
        ("idle_in_transaction_session_timeout", timeouts.idle_transaction),
    ];
    let mut settings = "SET client_min_messages = warning".to_owned();
    for (name, limit) in variables.iter().filter(|(name, _)| !sets_variable(url, name)) {
        let limit = if access == Access::Maintain { 0 } else { limit.as_millis() };
        settings.push_str(&format!("; SET {name} = {limit}"));
    }
    settings
}

impl Manager {
    pub(super) fn new(config: &DbConfig, access: Access) -> Self {
        Self {
            target: config.target.clone(),
            access,
            busy_timeout: config.busy_timeout,
            postgres: config.postgres,
        }
    }

    /// Opens a connection. Written by hand because the `establish` that Diesel derives hides the cause of a
    /// failure.
    pub(super) fn establish(&self) -> Result<DbConnection, ConnectError> {
        match &self.target {
            Target::Postgres(url) => {
                let mut connection = PgConnection::establish(&with_parameters(url, &self.postgres))?;
                connection.batch_execute(&session_settings(url, self.access, &self.postgres))?;
                // A server without that language keeps its own.
                let _ = connection.batch_execute(ENGLISH);
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
    fn connections_wait_as_the_settings_say_unless_the_url_says_otherwise() {
        let timeouts = PostgresTimeouts {
            connect: Duration::from_secs(3),
            keepalive: Duration::from_millis(6500),
            tcp_user: Duration::from_millis(1500),
            ..PostgresTimeouts::default()
        };
        assert_eq!(
            with_parameters("postgres://db/souk", &timeouts),
            "postgres://db/souk?connect_timeout=3&keepalives_idle=7&keepalives_interval=4&keepalives_count=2\
             &tcp_user_timeout=1500"
        );
        let with = with_parameters("postgres:///souk?host=/run&connect_timeout=9", &timeouts);
        assert!(
            with.starts_with("postgres:///souk?host=/run&connect_timeout=9&keepalives_idle=7&"),
            "{with}"
        );
        assert_eq!(with.matches("connect_timeout").count(), 1);
    }

    #[test]
    fn a_session_is_bounded_as_the_settings_say_unless_the_url_says_otherwise() {
        let settings = |url, access| session_settings(url, access, &PostgresTimeouts::default());
        assert_eq!(
            settings("postgres://db/souk", Access::Write),
            "SET client_min_messages = warning; SET statement_timeout = 6000; SET lock_timeout = 4000; \
             SET idle_in_transaction_session_timeout = 5000"
        );
        let url = "postgres://db/souk?options=-c%20statement_timeout%3D60s%20-c%20deadlock_timeout=2s";
        assert!(!settings(url, Access::Write).contains("statement_timeout"));
        assert!(settings(url, Access::Write).contains("SET lock_timeout = 4000"));
        assert!(settings("postgres://db/souk", Access::Maintain).contains("SET lock_timeout = 0;"));
    }
}
