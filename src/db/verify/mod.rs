//! Verifying a stored database on one read-only snapshot: what a check is, and what it reports. The checks of
//! the engine and of the event log are here, those of the marketplace's invariants in `domain::verify`.

mod engine;
mod log;

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::clock::{Clock, Timestamp};

use super::connection::{Access, Manager};
use super::migrate::{self, SchemaAge};
use super::{DbConfig, DbConnection, DbError, Target, UnitOfWork};

/// How many faults a check reports. The first ones show what is wrong, and a report stays short.
const MOST_FAULTS: usize = 100;

/// How many rows are read at a time.
pub(crate) const BATCH: i64 = 500;

/// Something in the database that must not be so.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName, serde::Serialize)]
pub(crate) struct Fault {
    /// The table.
    #[diesel(sql_type = Text)]
    #[serde(rename = "table")]
    pub(crate) in_table: String,
    /// The row's primary key; the parts of one with several are separated by a slash.
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
    /// What is wrong with the row. Never a text that users wrote.
    #[diesel(sql_type = Text)]
    pub(crate) what: String,
}

impl Fault {
    /// A fault of this row.
    pub(crate) fn new(table: &str, id: impl Into<String>, what: impl Into<String>) -> Self {
        Self { in_table: table.to_owned(), id: id.into(), what: what.into() }
    }
}

/// What one check found.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Checked {
    /// The check.
    #[serde(rename = "check")]
    pub(crate) name: &'static str,
    /// How many rows it looked at (pages of the file for `integrity`).
    pub(crate) rows: u64,
    /// The first faults.
    pub(crate) faults: Vec<Fault>,
    /// Whether there are more faults.
    pub(crate) has_more: bool,
}

impl Checked {
    fn new(name: &'static str) -> Self {
        Self { name, rows: 0, faults: Vec::new(), has_more: false }
    }

    fn add(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        } else {
            self.has_more = true;
        }
    }
}

/// An invariant as a query for the rows that break it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SqlCheck {
    /// What the report calls it.
    pub(crate) name: &'static str,
    /// The table whose rows it looks at.
    pub(crate) of: &'static str,
    /// Selects `in_table`, `id` and `what` of each fault, as in [`Fault`].
    pub(crate) faults: &'static str,
}

/// Why a database cannot be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// The SQLite file does not exist.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// It does not open.
    #[error("cannot open the database {target}: {cause}")]
    Open {
        /// Which database.
        target: Target,
        /// The engine's error.
        cause: String,
    },
    /// It holds none of Souk's tables.
    #[error("{target} is not a database of souk: {cause}")]
    Foreign {
        /// Which database.
        target: Target,
        /// The engine's error.
        cause: String,
    },
    /// Its schema lacks migrations that the checks rely on.
    #[error(
        "the schema is older than souk {own} (migrations missing: {0}): run the souk that wrote it, or migrate it first \
         (souk migrate, or the next souk serve)",
        own = env!("CARGO_PKG_VERSION")
    )]
    Older(usize),
    /// A newer binary made the schema.
    #[error("the schema has the migration {0}, which souk {own} does not know: a newer souk made it, use that one",
        own = env!("CARGO_PKG_VERSION"))]
    Newer(String),
    /// A query failed.
    #[error("the database cannot be read: {0}")]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for InspectError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Runs checks one after the other on one snapshot, and hands over what each found.
pub(crate) struct Verification<'v, 'c> {
    uow: &'v mut UnitOfWork<'c>,
    report: &'v mut dyn FnMut(Checked),
}

impl Verification<'_, '_> {
    /// Checks an invariant by its query.
    pub(crate) fn query(&mut self, check: &SqlCheck) -> Result<(), DbError> {
        let mut checked = Checked::new(check.name);
        checked.rows = count(self.uow.conn(), check.of)?;
        for fault in select_faults(self.uow.conn(), check.faults)? {
            checked.add(fault);
        }
        (self.report)(checked);
        Ok(())
    }

    /// Checks every row of a table by itself, reading a batch at a time: `page` yields the rows after a key, in the
    /// order of keys, `key` is a row's key, `judge` says what is wrong with it.
    pub(crate) fn each<R, K>(
        &mut self,
        name: &'static str,
        start: K,
        mut page: impl FnMut(&mut UnitOfWork<'_>, &K) -> Result<Vec<R>, DbError>,
        key: impl Fn(&R) -> K,
        mut judge: impl FnMut(&mut UnitOfWork<'_>, R) -> Result<Option<Fault>, DbError>,
    ) -> Result<(), DbError> {
        let mut checked = Checked::new(name);
        let mut after = start;
        loop {
            let rows = page(self.uow, &after)?;
            let Some(last) = rows.last() else { break };
            after = key(last);
            for row in rows {
                checked.rows += 1;
                if let Some(fault) = judge(self.uow, row)? {
                    checked.add(fault);
                }
            }
        }
        (self.report)(checked);
        Ok(())
    }

    /// The connection, for the checks of this module.
    fn conn(&mut self) -> &mut DbConnection {
        self.uow.conn()
    }
}

/// Verifies a database: its engine, its event log, then what `invariants` checks, all on one snapshot. A server may
/// use the database meanwhile. Nothing is written.
pub(super) fn run(
    config: &DbConfig,
    clock: &Clock,
    report: &mut dyn FnMut(Checked),
    invariants: impl FnOnce(&mut Verification<'_, '_>) -> Result<(), DbError>,
) -> Result<(), InspectError> {
    let mut connection = open(&config.target, config)?;
    let age = age(&mut connection, &config.target);
    let is_postgres = connection.is_postgres();
    connection.execute_batch(match is_postgres {
        true => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        false => "BEGIN",
    })?;
    let mut uow = UnitOfWork::begin_reading(&mut connection, clock.now());
    let mut verification = Verification { uow: &mut uow, report };
    // Before the schema is judged: in a damaged file it may be what cannot be read.
    let engine = engine::check(&mut verification);
    match age? {
        SchemaAge::Current => engine?,
        SchemaAge::Older(missing) => return Err(InspectError::Older(missing)),
        SchemaAge::Newer(migration) => return Err(InspectError::Newer(migration)),
    }
    log::check(&mut verification)?;
    invariants(&mut verification)?;
    // The transaction has read only; closing the connection ends it.
    Ok(())
}

/// What the engine finds wrong with a SQLite file that is not in use, and how old its schema is where nothing is. Its
/// rows may be of an older schema, and their invariants are not looked at.
pub(super) fn check_file(
    file: &Path,
    config: &DbConfig,
) -> Result<Result<SchemaAge, Vec<Fault>>, InspectError> {
    let target = Target::Sqlite(file.to_owned());
    let mut connection = open(&target, config)?;
    let age = age(&mut connection, &target);
    let mut faults = Vec::new();
    let mut report = |checked: Checked| faults.extend(checked.faults);
    let mut uow = UnitOfWork::begin_reading(&mut connection, Timestamp::EPOCH);
    let engine = engine::check(&mut Verification { uow: &mut uow, report: &mut report });
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    let age = age?;
    engine?;
    Ok(Ok(age))
}

/// A connection that changes nothing. Unlike the pool's it does not switch a file to the write-ahead log: a backup
/// stays as it is, byte by byte.
fn open(target: &Target, config: &DbConfig) -> Result<DbConnection, InspectError> {
    let failed = |cause: String| InspectError::Open { target: target.clone(), cause };
    let Target::Sqlite(file) = target else {
        let config = DbConfig { target: target.clone(), ..config.clone() };
        let opened = Manager::new(&config, Access::Read).establish();
        return opened.map_err(|error| failed(error.to_string()));
    };
    if !file.try_exists().map_err(|error| failed(error.to_string()))? {
        return Err(InspectError::Missing(file.clone()));
    }
    let opened = || -> Result<DbConnection, super::connection::ConnectError> {
        let mut connection = SqliteConnection::establish(&file.to_string_lossy())?;
        let wait = config.busy_timeout.as_millis();
        connection.batch_execute(&format!("PRAGMA busy_timeout = {wait}; PRAGMA query_only = ON"))?;
        Ok(DbConnection::Sqlite(connection))
    };
    opened().map_err(|error| failed(error.to_string()))
}

fn age(connection: &mut DbConnection, target: &Target) -> Result<SchemaAge, InspectError> {
    migrate::age(connection)
        .map_err(|error| InspectError::Foreign { target: target.clone(), cause: error.to_string() })
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Counts the rows of what follows `FROM`.
fn count(connection: &mut DbConnection, from: &str) -> Result<u64, DbError> {
    let sql = format!("SELECT count(*) AS rows FROM {from}");
    let counted: Count = diesel::sql_query(sql).get_result(connection)?;
    Ok(u64::try_from(counted.rows).unwrap_or(0))
}

/// The faults that this query selects: one more than is reported, which shows that there are more.
fn select_faults(connection: &mut DbConnection, sql: &str) -> Result<Vec<Fault>, DbError> {
    let limited = format!("SELECT * FROM ({sql}) AS faults LIMIT {}", MOST_FAULTS + 1);
    Ok(diesel::sql_query(limited).load(connection)?)
}
