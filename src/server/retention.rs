//! Retention: what is older than the settings keep is deleted, in batches between which others write.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::config::Retention;
use crate::db::{Db, DbError, Failure, UnitOfWork};
use crate::domain::retention::{Named, lengths_of_rooms, trim_audit, trim_room};

/// Time between two rounds. What is deleted is weeks old, so that nobody waits for it.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Batches of one kind at most, until the next round; other writers have their turn between two of them.
const BATCHES: usize = 200;

/// What one round has deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Events of rooms.
    pub events: usize,
    /// Rows of the audit trail.
    pub audit: usize,
}

/// Deletes for ever. A failure is logged, and the next round tries again.
pub(crate) async fn run(app: &App) {
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if !app.node_status.leads() {
            continue;
        }
        match trim(app).await {
            Ok(trimmed) if trimmed == Trimmed::default() => {}
            Ok(trimmed) => log::info!("deleted what is no longer kept: {trimmed:?}"),
            Err(error) => log::warn!("not everything was deleted that is no longer kept: {error}"),
        }
    }
}

/// Deletes everything that is no longer kept.
pub async fn trim(app: &App) -> Result<Trimmed, DbError> {
    let config = &app.config.retention;
    let kinds = [
        (Named::Kind("market"), config.retain_market_events),
        (Named::Exactly("admin"), config.retain_admin_events),
        (Named::Kind("user"), config.retain_user_events),
    ];
    let mut trimmed = Trimmed::default();
    for (named, retention) in kinds {
        trimmed.events += trim_rooms(app, named, retention).await?;
    }
    if let Some(limit) = config.retain_audit.limit() {
        let horizon = app.clock.now().minus(limit).start_of_day();
        trimmed.audit = in_batches(&app.db, move |uow| trim_audit(uow, horizon)).await?;
    }
    Ok(trimmed)
}

async fn trim_rooms(app: &App, named: Named, retention: Retention) -> Result<usize, DbError> {
    let Some(limit) = retention.limit() else { return Ok(0) };
    let older_than = app.clock.now().minus(limit);
    let kept = app.config.retention.retain_events_min;
    let mut deleted = 0;
    let mut after = String::new();
    loop {
        let rooms = app.db.read(move |uow| lengths_of_rooms(uow, named, &after)).await?;
        let Some((last, _)) = rooms.last() else { return Ok(deleted) };
        after = last.clone();
        for (room, _) in rooms.into_iter().filter(|(_, events)| *events > i64::from(kept)) {
            deleted += in_batches(&app.db, move |uow| trim_room(uow, &room, older_than, kept)).await?;
        }
    }
}

/// Deletes batch by batch, until nothing is left or it is enough for this time; returns the number of rows.
pub(super) async fn in_batches<E: Failure>(
    db: &Db,
    delete: impl Fn(&mut UnitOfWork<'_>) -> Result<usize, E> + Clone + Send + 'static,
) -> Result<usize, E> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        match db.write(delete.clone()).await? {
            0 => break,
            batch => deleted += batch,
        }
    }
    Ok(deleted)
}
