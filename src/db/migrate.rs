//! Embedded migrations for both engines, and the check that the schema is the one this binary knows. Run at
//! start and by `souk migrate`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::clock::Timestamp;

use super::{DbConnection, DbError, schema};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The schema is not what this binary needs, and cannot be migrated to it.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed.
    #[error("migration failed: {0}")]
    Failed(String),
    /// A newer binary has migrated the schema; writing to it with this one could corrupt data.
    #[error(
        "the schema of this database has the migration {0}, which souk {own} does not know: a newer souk made it; run \
         that one, or use a backup from before it",
        own = env!("CARGO_PKG_VERSION")
    )]
    Newer(String),
}

/// How long a migration waits for a lock: less than the units of work that wait behind it (`--database-lock-timeout`).
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// How often it tries to get it.
const LOCK_ATTEMPTS: u32 = 20;

/// In between, others do what has been waiting.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn failed(cause: Cause) -> MigrationError {
    MigrationError::Failed(cause.to_string())
}

/// Applies pending migrations and returns how many were applied.
pub(super) fn run(connection: &mut DbConnection) -> Result<usize, MigrationError> {
    match connection {
        DbConnection::Sqlite(c) => run_pending(c, SQLITE),
        DbConnection::Postgresql(c) => {
            // Nodes that start together must not both migrate: the second waits for this lock and finds
            // nothing pending.
            batch(c, "SELECT pg_advisory_lock(7305804402)")?;
            let ran = run_pending_between_others(c);
            batch(c, "SELECT pg_advisory_unlock(7305804402)")?;
            ran
        }
    }
}

/// Whether a migration has not been applied yet.
pub(super) fn is_pending(connection: &mut DbConnection) -> Result<bool, MigrationError> {
    let (applied, known) = match connection {
        DbConnection::Sqlite(c) => (c.applied_migrations(), known::<Sqlite>(&SQLITE)?),
        DbConnection::Postgresql(c) => (c.applied_migrations(), known::<Pg>(&POSTGRES)?),
    };
    pending(&texts(applied.map_err(failed)?), &known)
}

fn run_pending<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<usize, MigrationError> {
    let applied = texts(connection.applied_migrations().map_err(failed)?);
    if !pending(&applied, &known::<DB>(&source)?)? {
        return Ok(0);
    }
    connection.run_pending_migrations(source).map(|ran| ran.len()).map_err(failed)
}

/// Applies pending migrations beside servers of the release before. Whatever comes after a migration that waits for a
/// table's lock waits behind it; so it gives up soon, lets the others pass, and tries again.
fn run_pending_between_others(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    batch(connection, &format!("SET lock_timeout = {}", LOCK_WAIT.as_millis()))?;
    let mut attempt = 1;
    let ran = loop {
        match run_pending(connection, POSTGRES) {
            Err(MigrationError::Failed(why)) if why.contains("lock timeout") && attempt < LOCK_ATTEMPTS => {
                log::warn!(attempt; "a migration waits for a lock that others hold, and tries again soon: {why}");
                std::thread::sleep(LOCK_PAUSE);
                attempt += 1;
            }
            ran => break ran,
        }
    };
    batch(connection, "SET lock_timeout = 0")?;
    ran
}

fn batch(connection: &mut PgConnection, sql: &str) -> Result<(), MigrationError> {
    connection.batch_execute(sql).map_err(|error| failed(error.into()))
}

/// Whether a known migration is not applied; an applied but unknown one is an error.
fn pending(applied: &BTreeSet<String>, known: &BTreeSet<String>) -> Result<bool, MigrationError> {
    match applied.difference(known).max() {
        Some(newest) => Err(MigrationError::Newer(newest.clone())),
        None => Ok(known.len() > applied.len()),
    }
}

fn known<DB: Backend>(source: &EmbeddedMigrations) -> Result<BTreeSet<String>, MigrationError> {
    let migrations = MigrationSource::<DB>::migrations(source).map_err(failed)?;
    Ok(texts(migrations.iter().map(|migration| migration.name().version())))
}

/// The versions and names of the migrations.
fn names<DB: Backend>(source: &EmbeddedMigrations) -> Result<Vec<(String, String)>, MigrationError> {
    let migrations = MigrationSource::<DB>::migrations(source).map_err(failed)?;
    let named = migrations.iter().map(|migration| {
        let name = migration.name();
        (name.version().to_string(), name.to_string())
    });
    Ok(named.collect())
}

fn texts<'v>(versions: impl IntoIterator<Item = MigrationVersion<'v>>) -> BTreeSet<String> {
    versions.into_iter().map(|version| version.to_string()).collect()
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// A migration that the database has, or that this binary knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    /// The digits of its name, in which order migrations are applied.
    pub(crate) version: String,
    /// Its name; `None` if this binary does not know it.
    pub(crate) name: Option<String>,
    /// Whether the database has it.
    pub(crate) is_applied: bool,
    /// When it was applied, to the second, by the database's clock.
    pub(crate) applied_at: Option<Timestamp>,
}

/// When migrations were applied: SQLite writes UTC, PostgreSQL the time of its session's zone, which is a setting of
/// the database or the server.
const APPLIED_ON_SQLITE: &str = "SELECT version, CAST(strftime('%s', run_on) AS BIGINT) AS seconds \
                                 FROM __diesel_schema_migrations";
const APPLIED_ON_POSTGRES: &str = "SELECT version, extract(epoch FROM run_on::timestamptz)::bigint AS seconds \
                                   FROM __diesel_schema_migrations";

#[derive(QueryableByName)]
struct AppliedAt {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    seconds: Option<i64>,
}

/// All migrations in their order: those that the database has, and those that this binary knows.
pub(crate) fn list(connection: &mut DbConnection) -> Result<Vec<Migration>, DbError> {
    let sql = if connection.is_postgres() { APPLIED_ON_POSTGRES } else { APPLIED_ON_SQLITE };
    let applied: Vec<AppliedAt> = diesel::sql_query(sql).load(connection)?;
    let known = if connection.is_postgres() { names::<Pg>(&POSTGRES) } else { names::<Sqlite>(&SQLITE) };
    let known = known.map_err(|error| DbError::Unavailable(error.to_string()))?;
    let pending = |(version, name): (String, String)| {
        let migration =
            Migration { version: version.clone(), name: Some(name), is_applied: false, applied_at: None };
        (version, migration)
    };
    let mut all: BTreeMap<String, Migration> = known.into_iter().map(pending).collect();
    for AppliedAt { version, seconds } in applied {
        let name = all.get(&version).and_then(|known| known.name.clone());
        let applied_at = seconds.and_then(Timestamp::from_seconds);
        all.insert(version.clone(), Migration { version, name, is_applied: true, applied_at });
    }
    Ok(all.into_values().collect())
}

/// How a database's schema relates to the one that this binary knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SchemaAge {
    /// The same.
    Current,
    /// This many migrations are missing.
    Older(usize),
    /// It has this migration, which this binary does not know.
    Newer(String),
}

/// Compares the schema with this binary's. Changes nothing, and fails where there is no table of migrations.
pub(super) fn age(connection: &mut DbConnection) -> Result<SchemaAge, DbError> {
    let applied: Vec<Applied> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(connection)?;
    let applied: BTreeSet<String> = applied.into_iter().map(|row| row.version).collect();
    let known = if connection.is_postgres() { known::<Pg>(&POSTGRES) } else { known::<Sqlite>(&SQLITE) };
    let known = known.map_err(|error| DbError::Unavailable(error.to_string()))?;
    Ok(match applied.difference(&known).max() {
        Some(newest) => SchemaAge::Newer(newest.clone()),
        None if applied.len() < known.len() => SchemaAge::Older(known.len() - applied.len()),
        None => SchemaAge::Current,
    })
}

/// Checks that no migration is missing or unknown and that every table is readable. Changes nothing, unlike
/// the functions above, which create Diesel's migration table if it does not exist.
pub(super) fn check(connection: &mut DbConnection) -> Result<(), DbError> {
    let applied: Vec<Applied> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(connection)?;
    let applied = applied.into_iter().map(|row| row.version).collect();
    let known = if connection.is_postgres() { known::<Pg>(&POSTGRES) } else { known::<Sqlite>(&SQLITE) };
    match known.and_then(|known| pending(&applied, &known)) {
        Ok(false) => {}
        Ok(true) => return Err(DbError::Unavailable("a migration is missing".into())),
        Err(error) => return Err(DbError::Unavailable(error.to_string())),
    }
    // One statement that names every table and reads no row.
    let tables: Vec<_> =
        schema::TABLES.iter().map(|table| format!("SELECT 1 FROM {table} WHERE 1 = 0")).collect();
    Ok(connection.execute_batch(&tables.join(" UNION ALL "))?)
}
