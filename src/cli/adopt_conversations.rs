//! `souk adopt-conversations`: takes an older system's conversations from the placeholder user that stood for
//! nobody.

use std::sync::Arc;

use crate::auth::command_line;
use crate::clock::Clock;
use crate::config::{DatabaseConfig, LoggingConfig};
use crate::db::Db;
use crate::domain::conversations::adoption::{Belongings, Fate, adopt_batch, belongings, delete_placeholder};
use crate::ids::UserId;
use crate::server;

/// What `souk adopt-conversations` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The id of the user under whom the older system kept conversations that were nobody's
    #[arg(long, value_name = "USER_ID")]
    placeholder: UserId,

    #[command(flatten)]
    wanted: Wanted,

    /// Do it; without this, what would be done is counted and nothing is changed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    database: DatabaseConfig,

    #[command(flatten)]
    pub(super) logging: LoggingConfig,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Wanted {
    /// Delete the conversations, with everything in them
    #[arg(long)]
    delete: bool,

    /// Move the conversations and their messages to the tables archived_conversations and archived_messages, where they
    /// are nobody's and no user reads them
    #[arg(long)]
    mark: bool,
}

impl Wanted {
    fn fate(&self) -> Fate {
        if self.mark { Fate::Archived } else { Fate::Deleted }
    }
}

/// Counts, or adopts, and reports on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: &Options) -> Result<(), super::Failed> {
    let (user, fate) = (options.placeholder, options.wanted.fate());
    if let Some(path) = options.database.database_url.sqlite_path()
        && !path.try_exists()?
    {
        // A mistyped path must not make a database.
        return Err(format!("there is no database {}", path.display()).into());
    }
    actix_web::rt::System::new().block_on(async {
        let clock = Clock::system();
        let scope = command_line(&clock);
        // No publisher: nobody is signed in as the placeholder, who is suspended.
        let db = Db::open_beside(&server::db_config(&options.database), clock, Arc::new(()))?;
        let of_command = scope.clone();
        let found = db.write(move |uow| belongings(uow, &of_command, user)).await?;
        let Some(found) = found else {
            println!("there is no user {user}, and so nothing that belongs to it");
            return Ok(());
        };
        let counts = describe(&found);
        if !found.others.is_empty() {
            let others = found.others.iter().map(|(table, count)| format!("{count} in {table}"));
            let others = others.collect::<Vec<_>>().join(", ");
            return Err(format!("{user} is no mere placeholder: it also has {others}; nothing was changed").into());
        }
        let (would, done) = match fate {
            Fate::Deleted => ("deleted", "deleted"),
            Fate::Archived => ("moved to the archive", "archived"),
        };
        if !options.yes {
            println!("{counts} of {user} would be {would}, and the user deleted; nothing was changed: --yes does it");
            return Ok(());
        }
        let mut total = 0;
        loop {
            let of_command = scope.clone();
            let batch = db.write(move |uow| adopt_batch(uow, &of_command, user, fate)).await?;
            if batch == 0 {
                break;
            }
            total += batch;
            log::info!(user_id:% = user, conversations = total; "conversations are {done}");
        }
        db.write(move |uow| delete_placeholder(uow, &scope, user)).await?;
        db.close().await;
        println!("{counts} of {user} are {done}; the user is deleted, so nothing can belong to it again");
        Ok(())
    })
}

fn describe(found: &Belongings) -> String {
    let Belongings { conversations, messages, masterplans, .. } = found;
    format!("{conversations} conversations ({messages} messages, {masterplans} masterplans)")
}
