//! Tells the members of a room `recorder:` what the connection of its name sends and is sent.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::{Page, oversight};
use crate::hub::{Ephemeral, FrameSeen, Recorded, SessionFilter};
use crate::ids::{ConnectionId, Room};
use crate::protocol::{RecordedFrame, RecordedFrames};

/// How often.
const TICK: Duration = Duration::from_millis(250);

/// Who watches is told at each of so many ticks that the connection still lives, or does not.
const EVEN_IF_NOTHING: u64 = 4;

/// Tells for ever, and ends the recordings that nobody watches.
pub(crate) async fn run(app: &App) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        for connection in app.hub.recorder().recorded() {
            tell(app, connection, tick % EVEN_IF_NOTHING == 0).await;
        }
    }
}

async fn tell(app: &App, connection: ConnectionId, even_if_nothing: bool) {
    // A hub that is busy is asked again at the next tick; the recording counts what it drops meanwhile.
    let Ok(watching) = app.hub.members(&Room::Recorder(connection)).await else { return };
    let page = Page { before: None, limit: 1 };
    let Ok(live) = app.hub.sessions(SessionFilter::Connection(connection), page).await else { return };
    let now = Instant::now();
    let Some(recorded) = app.hub.recorder().take(connection, !watching.is_empty(), now) else { return };
    if watching.is_empty() || (recorded.frames.is_empty() && !even_if_nothing) {
        return;
    }
    let told = shown(connection, !live.items.is_empty(), recorded, now, app.clock.now());
    let _ = app.hub.tell(Ephemeral::Frames(Box::new(told)));
}

/// As admins see it.
fn shown(
    connection: ConnectionId,
    is_live: bool,
    recorded: Recorded,
    now: Instant,
    at: Timestamp,
) -> RecordedFrames {
    let frame = |(number, seen): (u64, FrameSeen)| RecordedFrame {
        number,
        at: at.minus(now.saturating_duration_since(seen.at)),
        direction: seen.direction,
        kind: seen.kind,
        room: seen.room.as_ref().map(oversight::room_name),
        seq: seen.seq,
        bytes: seen.bytes,
        latency_us: seen.latency.map(|latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
    };
    let Recorded { frames, dropped } = recorded;
    RecordedFrames {
        connection_id: connection,
        is_live,
        dropped,
        frames: frames.into_iter().map(frame).collect(),
    }
}
