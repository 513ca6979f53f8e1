//! The `history` command, and how much of the log a client can be sent at once.

use crate::db::event_log;
use crate::events::Envelope;
use crate::ids::{Room, Seq};
use crate::protocol::{AckBody, Event};

use super::{Outcome, Refusal, SessionContext};

/// Events of a page when the client names no limit.
const PAGE: usize = 50;

/// A page of a room's events. Shorter than asked for if the client's outbox could not take more at once.
pub(super) async fn page(
    caller: &SessionContext,
    room: Room,
    before: Option<Seq>,
    limit: Option<u32>,
) -> Result<Outcome, Refusal> {
    let limits = caller.gateway.replay_limits();
    let asked = limit.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let limit = asked.clamp(1, caller.gateway.app().config.realtime.history_max.max(1));
    let (mut events, has_more) = caller
        .in_room(room, move |uow, room| Ok(event_log::before(uow.conn(), room, before, limit)?))
        .await?;
    // Keep the newest events of the page, which were asked for; drop the oldest that do not fit.
    let too_many = events.len() - newest_within(&events, limits.bytes);
    let has_more = has_more || too_many > 0;
    events.drain(..too_many);
    Ok(Outcome::Answer(AckBody::History { events: events.into_iter().map(event).collect(), has_more }))
}

/// How many of the newest events fit into `bytes`; at least one.
fn newest_within(events: &[Envelope], bytes: usize) -> usize {
    let mut left = bytes;
    let fitting = events.iter().rev().take_while(|event| {
        let fits = left > 0;
        left = left.saturating_sub(weight(event));
        fits
    });
    fitting.count()
}

/// An event as members receive it.
pub(super) fn event(envelope: Envelope) -> Event {
    let Envelope { room, seq, kind, by, at, data } = envelope;
    Event { room, seq, kind, data, by, at }
}

/// Approximate bytes of an event on the wire: its data and the fields around it.
pub(super) fn weight(event: &Envelope) -> usize {
    event.data.get().len() + event.kind.len() + 200
}
