//! `souk migrate`: brings the database's schema up to date without serving.

use crate::config::DatabaseConfig;
use crate::db::Db;
use crate::server;

/// Migrates, and reports the number of migrations on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(database: &DatabaseConfig) -> Result<(), super::Failed> {
    let ran = Db::migrate(&server::db_config(database))?;
    println!("{} is up to date; migrations run now: {ran}", database.database_url);
    Ok(())
}
