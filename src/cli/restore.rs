//! `souk restore`: puts a backup in the place of the SQLite database.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::{DatabaseConfig, LoggingConfig};
use crate::db::{Db, Existing, Restore, Restored, SchemaAge};
use crate::server;

/// What `souk restore` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The backup, as souk backup made it
    #[arg(value_name = "PATH")]
    backup: PathBuf,

    /// Keep a database that is there under another name (PATH.replaced-TIME) instead of refusing
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    database: DatabaseConfig,

    #[command(flatten)]
    pub(super) logging: LoggingConfig,
}

/// Restores, and reports on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: &Options) -> Result<(), super::Failed> {
    let existing = if options.replace { Existing::KeepAside } else { Existing::Refuse };
    let asked = Restore { backup: &options.backup, existing, at: Clock::system().now() };
    let Restored { database, bytes, age, aside } = Db::restore(&server::db_config(&options.database), asked)?;
    let (from, to) = (options.backup.display(), database.display());
    println!("{from} was checked and is restored to {to} ({bytes} bytes)");
    if let Some(aside) = aside {
        println!("the database that was there is kept as {}", aside.display());
    }
    if let SchemaAge::Older(missing) = age {
        println!("its schema is older: the next start runs {missing} migrations");
    }
    println!(
        "serve it with the journal key that was in use when the backup was made; souk verify looks at its rows"
    );
    Ok(())
}
