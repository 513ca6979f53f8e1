//! Migrations, embedded for both engines and run at start.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbConnection;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A migration failed or the database is newer than this binary.
#[derive(Debug, thiserror::Error)]
#[error("migration failed: {0}")]
pub struct MigrationError(String);

/// Brings the schema up to date; returns how many migrations ran now.
pub(super) fn run(connection: &mut DbConnection) -> Result<usize, MigrationError> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| MigrationError(e.to_string());
    match connection {
        DbConnection::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|ran| ran.len()).map_err(failed),
        DbConnection::Postgresql(c) => {
            // Two nodes that start together must not both migrate: the second waits and finds nothing to do.
            advisory(c, "SELECT pg_advisory_lock(7305804402)")?;
            let ran = c.run_pending_migrations(POSTGRES).map(|ran| ran.len()).map_err(failed);
            advisory(c, "SELECT pg_advisory_unlock(7305804402)")?;
            ran
        }
    }
}

fn advisory(connection: &mut diesel::PgConnection, sql: &str) -> Result<(), MigrationError> {
    use diesel::connection::SimpleConnection;
    connection.batch_execute(sql).map_err(|e| MigrationError(e.to_string()))
}

/// Whether a migration of this binary is not in force yet.
pub(super) fn is_pending(connection: &mut DbConnection) -> Result<bool, MigrationError> {
    match connection {
        DbConnection::Sqlite(c) => c.has_pending_migration(SQLITE),
        DbConnection::Postgresql(c) => c.has_pending_migration(POSTGRES),
    }
    .map_err(|e| MigrationError(e.to_string()))
}
