//! Closes the live sessions of users whose rights were ended by another process: the command line, or another
//! node.
//!
//! This process publishes its own commits, and the hub closes the sessions at once. Other processes' commits
//! are only visible in the database: so it is queried once a second for users whose tokens were revoked
//! lately (`users.token_epoch`, which every suspension, change of role and logout everywhere moves), and
//! those users' live sessions are compared with their rows. Comparing twice is idempotent, so no state is
//! kept.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::db::DbError;
use crate::domain::Page;
use crate::domain::users::{User, logins, repository};
use crate::hub::{LiveSession, SessionFilter};
use crate::ids::LoginId;
use crate::protocol::close::CloseReason;

/// The polling interval.
const EVERY: Duration = Duration::from_secs(1);

/// How far back a poll looks. Covers the delay between taking a timestamp and committing it, and clock
/// differences.
const LOOK_BACK: Duration = Duration::from_secs(60);

/// Sessions of a user that are compared in one batch.
const BATCH: u16 = 500;

/// Polls for ever. A failure is logged when it begins, and the next round tries again.
pub(crate) async fn run(app: &App) {
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        rounds.tick().await;
        match poll(app).await {
            Ok(()) => fails = false,
            Err(error) if !fails => {
                fails = true;
                log::warn!("cannot see whose rights other processes ended: {error}");
            }
            Err(_) => {}
        }
    }
}

/// Polls once.
pub async fn poll(app: &App) -> Result<(), DbError> {
    let since = app.clock.now().minus(LOOK_BACK);
    let users = app.db.read(move |uow| repository::voided_since(uow, since)).await?;
    for user in users {
        if app.hub.connections_of(user.id) > 0 {
            compare(app, &user).await?;
        }
    }
    Ok(())
}

async fn compare(app: &App, user: &User) -> Result<(), DbError> {
    let mut page = Page { before: None, limit: BATCH };
    loop {
        let filter = SessionFilter::User(user.id);
        let sessions = app.hub.sessions(filter, page).await.map_err(|_| DbError::Overloaded)?;
        let shown: Vec<LoginId> = sessions.items.iter().filter_map(|session| session.login).collect();
        let live = app.db.read(move |uow| logins::repository::unrevoked(uow, &shown)).await?;
        for session in &sessions.items {
            if let Some(reason) = ended(user, &live, session) {
                log::info!(user_id:% = user.id, connection_id:% = session.connection; "another process ended this");
                app.hub.close(session.connection, reason).await;
            }
        }
        match sessions.next {
            Some(next) => page.before = Some(next),
            None => return Ok(()),
        }
    }
}

/// The reason to close the session, if there is one. For our own tokens the login decides, for outside ones
/// the epoch.
fn ended(user: &User, live: &[LoginId], session: &LiveSession) -> Option<CloseReason> {
    if !user.is_active {
        return Some(CloseReason::UserUnknownOrInactive);
    }
    let is_void = match (&session.issuer, session.login) {
        (None, Some(login)) => !live.contains(&login),
        (Some(_), _) => session.epoch < user.token_epoch,
        (None, None) => false,
    };
    is_void.then_some(CloseReason::Revoked)
}
