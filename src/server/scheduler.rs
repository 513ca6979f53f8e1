//! Periodic clean-up: expires overdue requests and offers, and deletes old idempotent replies, ended logins,
//! and tickets and counts of guesses that are over.
//!
//! Nothing depends on its being on time: what is overdue reads as expired and cannot be acted on, whether or
//! not it was swept. The sweep stores that state and publishes the events. Several nodes may sweep at once.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::db::{Db, DbError, UnitOfWork};
use crate::domain::users::logins::{self, NOTED_EVERY};
use crate::domain::{Error, Page, offers, quotas, requests};
use crate::http::delete_expired;
use crate::hub::SessionFilter;

/// Rows fetched at once; each is expired in its own transaction, so that other writers need not wait for the
/// batch.
const BATCH: u16 = 100;

/// How long an ended login can still be looked up.
const LOGINS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long it is known what was used on a day.
const USAGE_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The result of one sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Requests expired, each with its live offers.
    pub requests: usize,
    /// Offers expired by their own `valid_until`.
    pub offers: usize,
    /// Replies deleted that were stored for idempotency keys.
    pub answers: usize,
    /// Rows of ended logins deleted.
    pub logins: usize,
    /// Rows of past days' usage deleted.
    pub usage: usize,
}

/// Sweeps for ever. A failure is logged, and the next round tries again.
pub(crate) async fn run(app: &App) {
    let mut rounds = interval(app.config.server.sweep_interval);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        match sweep(app).await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => log::info!("swept: {swept:?}"),
            Err(error) => log::warn!("not everything was swept: {error}"),
        }
        if let Err(error) = note_live_logins(app).await {
            log::warn!("not every login that is in use was noted: {error}");
        }
    }
}

/// Marks logins that have live sessions as in use. Uses are otherwise recorded when a token is presented,
/// which a long session may not do for days.
pub async fn note_live_logins(app: &App) -> Result<(), Error> {
    let mut page = Page { before: None, limit: 500 };
    loop {
        let sessions = app.hub.sessions(SessionFilter::All, page).await.map_err(|_| DbError::Overloaded)?;
        let logins: Vec<_> = sessions.items.iter().filter_map(|session| session.login).collect();
        let noted_before = app.clock.now().minus(NOTED_EVERY);
        if !logins.is_empty() {
            app.db.write(move |uow| logins::repository::note_live(uow, &logins, noted_before)).await?;
        }
        match sessions.next {
            Some(next) => page.before = Some(next),
            None => return Ok(()),
        }
    }
}

/// Does everything that is due now.
pub async fn sweep(app: &App) -> Result<Swept, Error> {
    let db = &app.db;
    let now = app.clock.now();
    let answered_before = now.minus(app.config.http.idempotency_ttl);
    let ended_before = now.minus(LOGINS_KEPT);
    let used_before = now.minus(USAGE_KEPT);
    app.auth.delete_expired().await?;
    Ok(Swept {
        requests: expire(db, requests::overdue, requests::expire_overdue).await?,
        offers: expire(db, offers::overdue, offers::expire_overdue).await?,
        answers: db.write(move |uow| delete_expired(uow, answered_before)).await?,
        logins: db.write(move |uow| logins::repository::forget_ended(uow, ended_before)).await?,
        usage: db.write(move |uow| quotas::forget(uow, used_before)).await?,
    })
}

/// Expires overdue rows batch by batch; returns their number.
async fn expire<Id: Copy + Send + 'static>(
    db: &Db,
    overdue: fn(&mut UnitOfWork<'_>, u16) -> Result<Vec<Id>, DbError>,
    expire_one: fn(&mut UnitOfWork<'_>, Id) -> Result<bool, Error>,
) -> Result<usize, Error> {
    let mut expired = 0;
    loop {
        let batch = db.read(move |uow| overdue(uow, BATCH)).await?;
        let before = expired;
        for id in &batch {
            let id = *id;
            expired += usize::from(db.write(move |uow| expire_one(uow, id)).await?);
        }
        // Another node is expiring the rows of this full batch; they will be gone in the next round.
        if batch.len() < usize::from(BATCH) || expired == before {
            return Ok(expired);
        }
    }
}
