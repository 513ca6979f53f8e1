//! Periodic clean-up: expires overdue requests and offers, closes what suspended users have left open, and deletes
//! old idempotent replies, ended logins, and tickets and counts of guesses that are over. Frees memory that sign-ins
//! have left behind.
//!
//! A row that cannot be settled is logged once, counted, and skipped. Only a database that is away ends a round.
//!
//! Nothing depends on its being on time: what is overdue reads as expired and cannot be acted on, whether or
//! not it was swept. The sweep stores that state and publishes the events. One of several nodes, the leader,
//! sweeps; were it two at a time, nothing would be done twice.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::db::{DbError, UnitOfWork};
use crate::domain::users::logins::{self, NOTED_EVERY};
use crate::domain::{Error, Page, offers, quotas, requests};
use crate::http::delete_expired;
use crate::hub::SessionFilter;
use crate::telemetry::Round;

/// Rows fetched at once; each is settled in its own transaction, so that other writers need not wait for the
/// batch.
const BATCH: u16 = 100;

/// Rows deleted in one transaction.
const DELETED_AT_ONCE: u16 = 500;

/// Batches of each kind in one round: after an outage there may be more than one round should take.
const BATCHES: usize = 100;

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
    /// Requests of suspended users closed, each with its live offers.
    pub closed: usize,
    /// Offers of suspended users closed.
    pub lapsed: usize,
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
        app.sweeps.begin();
        app.auth.free_unused();
        if app.node_status.leads() {
            let swept = sweep(app).await;
            app.sweeps.end(outcome(&swept));
            match swept {
                Ok(swept) if swept == Swept::default() => {}
                Ok(swept) => log::info!("swept: {swept:?}"),
                Err(error) => log::warn!("not everything was swept: {error}"),
            }
        }
        if let Err(error) = note_live_logins(app).await {
            log::warn!("not every login that is in use was noted: {error}");
        }
    }
}

fn outcome(swept: &Result<Swept, Error>) -> Round {
    let (rows, is_cut_short) = (swept.as_ref().copied().unwrap_or_default(), swept.is_err());
    let Swept { requests, offers, closed, lapsed, answers, logins, usage } = rows;
    Round { settled: requests + offers + closed + lapsed, deleted: answers + logins + usage, is_cut_short }
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

/// Does everything that is due now, within the bounds of one round.
pub async fn sweep(app: &App) -> Result<Swept, Error> {
    let now = app.clock.now();
    let answered_before = now.minus(app.config.http.idempotency_ttl);
    let ended_before = now.minus(LOGINS_KEPT);
    let used_before = now.minus(USAGE_KEPT);
    app.auth.delete_expired().await?;
    Ok(Swept {
        requests: settle(app, "requests", requests::overdue, requests::expire_overdue).await?,
        offers: settle(app, "offers", offers::overdue, offers::expire_overdue).await?,
        closed: settle(app, "requests_of_suspended", requests::of_suspended, requests::close_of_suspended)
            .await?,
        lapsed: settle(app, "offers_of_suspended", offers::of_suspended, offers::lapse_of_suspended).await?,
        answers: delete(app, "answers", move |uow| delete_expired(uow, answered_before, DELETED_AT_ONCE))
            .await?,
        logins: delete(app, "logins", move |uow| {
            logins::repository::forget_ended(uow, ended_before, DELETED_AT_ONCE)
        })
        .await?,
        usage: delete(app, "usage", move |uow| quotas::forget(uow, used_before, DELETED_AT_ONCE)).await?,
    })
}

/// Finds due rows after one, at most so many.
type DueRows<Row> = fn(&mut UnitOfWork<'_>, Option<Row>, u16) -> Result<Vec<Row>, DbError>;

/// Settles due rows one by one, batch after batch; returns how many.
async fn settle<Row: Copy + Display + Send + 'static>(
    app: &App,
    kind: &'static str,
    due: DueRows<Row>,
    settle_one: fn(&mut UnitOfWork<'_>, Row) -> Result<bool, Error>,
) -> Result<usize, Error> {
    let (mut settled, mut after) = (0, None);
    for _ in 0..BATCHES {
        let read = app.db.read(move |uow| Ok::<_, Error>(due(uow, after, BATCH)?)).await;
        let Some(batch) = skip_failure(app, kind, None, read)? else { break };
        for &row in &batch {
            let written = app.db.write(move |uow| settle_one(uow, row)).await;
            let is_settled = skip_failure(app, kind, Some(&row.to_string()), written)?;
            settled += usize::from(is_settled.unwrap_or(false));
        }
        if batch.len() < usize::from(BATCH) {
            break;
        }
        after = batch.last().copied();
    }
    Ok(settled)
}

/// Deletes old rows batch by batch; returns how many.
async fn delete(
    app: &App,
    kind: &'static str,
    delete_batch: impl Fn(&mut UnitOfWork<'_>) -> Result<usize, DbError> + Copy + Send + 'static,
) -> Result<usize, Error> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        let written = app.db.write(move |uow| Ok::<_, Error>(delete_batch(uow)?)).await;
        let Some(rows) = skip_failure(app, kind, None, written)? else { break };
        deleted += rows;
        if rows < usize::from(DELETED_AT_ONCE) {
            break;
        }
    }
    Ok(deleted)
}

/// The value, or `None` for a failure, which is logged once for its row and counted. A database that is away is no
/// row's fault: that error ends the round.
fn skip_failure<T>(
    app: &App,
    kind: &'static str,
    row: Option<&str>,
    result: Result<T, Error>,
) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => {
            app.sweep_failures.succeeded(kind, row);
            Ok(Some(value))
        }
        Err(Error::Db(error @ (DbError::Unavailable(_) | DbError::Overloaded))) => Err(error.into()),
        Err(error) => {
            if app.sweep_failures.failed(kind, row) {
                log::warn!(kind, row_id = row.unwrap_or_default(); "the sweeper cannot settle this: {error}");
            }
            Ok(None)
        }
    }
}
