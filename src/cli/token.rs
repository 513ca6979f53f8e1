//! `souk token`: mints an access token for a user; needs access to the database instead of a password.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::{Settings, value};
use crate::db::Db;
use crate::domain::users::Email;
use crate::server;

/// What `souk token` takes besides the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The user's email address
    #[arg(long, value_name = "EMAIL")]
    user: Email,

    /// How long the token is valid; --access-ttl by default
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    ttl: Option<Duration>,

    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Prints the token and nothing else, so that `$(souk token ..)` works.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: Options) -> Result<(), super::Failed> {
    let Options { user, ttl, settings } = options;
    let config = settings.into_config()?;
    actix_web::rt::System::new().block_on(async {
        let clock = Clock::system();
        // No publisher: a server on the same database learns of the login when the token is used.
        let db = Db::open_beside(&server::db_config(&config.database), clock.clone(), Arc::new(()))?;
        let auth = Auth::open(&config, db.clone(), clock)?;
        let minted = auth.mint(&user, ttl).await?;
        println!("{}", minted.access_token);
        db.close().await;
        Ok(())
    })
}
