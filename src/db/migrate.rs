//! Migrations, embedded for both engines and run at start.

use std::collections::BTreeSet;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DbConnection, DbError, schema};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The schema is not what this binary needs, and cannot be made so.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed.
    #[error("migration failed: {0}")]
    Failed(String),
    /// A newer binary has changed the schema: what this one would do to it is anybody's guess.
    #[error(
        "the schema of this database has the migration {0}, which souk {own} does not know: a newer souk made it; run \
         that one, or use a backup from before it",
        own = env!("CARGO_PKG_VERSION")
    )]
    Newer(String),
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn failed(cause: Cause) -> MigrationError {
    MigrationError::Failed(cause.to_string())
}

/// Brings the schema up to date; returns how many migrations ran now.
pub(super) fn run(connection: &mut DbConnection) -> Result<usize, MigrationError> {
    match connection {
        DbConnection::Sqlite(c) => run_pending(c, SQLITE),
        DbConnection::Postgresql(c) => {
            // Two nodes that start together must not both migrate: the second waits and finds nothing to do.
            advisory(c, "SELECT pg_advisory_lock(7305804402)")?;
            let ran = run_pending(c, POSTGRES);
            advisory(c, "SELECT pg_advisory_unlock(7305804402)")?;
            ran
        }
    }
}

/// Whether a migration is not in force yet.
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

fn advisory(connection: &mut PgConnection, sql: &str) -> Result<(), MigrationError> {
    connection.batch_execute(sql).map_err(|error| failed(error.into()))
}

/// Whether a known migration is not applied; an applied one that is not known is an error.
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

fn texts<'v>(versions: impl IntoIterator<Item = MigrationVersion<'v>>) -> BTreeSet<String> {
    versions.into_iter().map(|version| version.to_string()).collect()
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Whether the schema is the one that this binary knows: no migration is missing, none is unknown, and every table can be
/// read. Changes nothing, unlike the questions above, which make Diesel's own table if it is not there.
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
