//! Tells the other nodes that this one lives, and who is connected to it in which rooms.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::App;
use crate::db::DbError;
use crate::domain::Page;
use crate::hub::SessionFilter;
use crate::nodes::{BEAT, LiveConnection};

/// How often the rows of ended connections are deleted (until then a user at the limit cannot use that place on
/// another node), and how often others are told who came to rooms and who left them.
const TICK: Duration = Duration::from_millis(100);

/// How often the rows are made equal to the connections.
const MIRROR: Duration = Duration::from_secs(10);

/// Sessions listed at once.
const PAGE: u16 = 500;

/// Runs for ever; does nothing on SQLite, which has one server.
pub(crate) async fn run(app: &App) {
    if !app.db.is_shared() {
        return std::future::pending().await;
    }
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut beat_at, mut mirror_at) = (Instant::now(), Instant::now() + MIRROR);
    // Whether what others were told of presence must be compared with what is.
    let mut must_repair = false;
    loop {
        ticks.tick().await;
        // Failures are logged where writes are; the next round does what this one could not. First of all, that the
        // node lives: the rest may take long.
        if Instant::now() >= beat_at {
            beat_at = Instant::now() + BEAT;
            let beat = app.nodes.beat().await.unwrap_or_default();
            if beat.is_new {
                mirror_at = Instant::now();
            }
            must_repair |= beat.is_new || app.hub.has_lost_presence();
            if beat.others_changed {
                app.hub.nodes_changed();
            }
            let _ = app.nodes.watch_clients(&app.board_clients, &app.hub, app.clock.now()).await;
        }
        let _ = app.nodes.forget_ended().await;
        let _ = app.nodes.tell_presence(&app.hub).await;
        must_repair = must_repair && app.nodes.repair_presence(&app.hub).await.is_err();
        if Instant::now() >= mirror_at {
            mirror_at = Instant::now() + MIRROR;
            let _ = mirror(app).await;
        }
    }
}

/// Takes this node off the list, at its stop.
pub(crate) async fn leave(app: &App) {
    // Who has left is told before the rows go. If it is not, the others notice that this node is gone.
    let _ = app.nodes.tell_presence(&app.hub).await;
    if let Err(error) = app.nodes.leave().await {
        log::warn!("the other nodes will notice only in a while that this one has stopped: {error}");
    }
}

async fn mirror(app: &App) -> Result<(), DbError> {
    let mut connections = Vec::new();
    let mut page = Page { before: None, limit: PAGE };
    loop {
        let sessions = app.hub.sessions(SessionFilter::All, page).await.map_err(|_| DbError::Overloaded)?;
        let now = app.clock.now();
        connections.extend(sessions.items.into_iter().map(|session| LiveConnection::of(session, now)));
        match sessions.next {
            Some(next) => page.before = Some(next),
            None => return app.nodes.mirror(connections).await,
        }
    }
}
