//! `souk backup`: copies the SQLite database, even while a server is using it.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::Settings;
use crate::db::Db;
use crate::server;

/// What `souk backup` takes besides the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The file to create; an existing one is not overwritten
    #[arg(value_name = "PATH")]
    to: PathBuf,

    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Runs the backup and reports it on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: &Options) -> Result<(), super::Failed> {
    let database = options.settings.database();
    let made = Db::back_up(&server::db_config(database), &options.to, Clock::system().now())?;
    println!(
        "{} is copied to {}; the journal key is not part of the copy: keep it elsewhere, since without it nobody can \
         read the journals",
        database.database_url,
        options.to.display()
    );
    if let Err(error) = made.recorded {
        println!(
            "the server does not know of this backup, since nothing can be written beside the database: {error}"
        );
    }
    Ok(())
}
