//! The `join`, `join_chat` and `leave` commands, and the rooms that a session joins automatically.

use tokio::time::Instant;

use crate::db::{UnitOfWork, event_log};
use crate::domain::{Error, conversations};
use crate::events::Envelope;
use crate::hub::{JoinError, Joined as Stay, Spliced};
use crate::ids::{ConversationId, Room, Seq};
use crate::protocol::close::CloseReason;
use crate::protocol::{AckBody, Correlation, Dialect, Joined, Namespace, Notice};
use crate::realtime::target::EndpointTarget;

use super::history::{event, weight};
use super::{Outcome, Refusal, SessionContext, answers};

/// Subscribes the caller to a room: missed events first, then live ones, in order and without duplicates.
///
/// The hub buffers live events from before the log is read, so that none is missed in between. The standing
/// is checked twice: before, so that users without standing never show up among the members, and after, so
/// that a standing that ends meanwhile is noticed.
pub(super) async fn join(
    caller: &SessionContext,
    id: Option<&Correlation>,
    room: Room,
    since: Option<Seq>,
) -> Result<Outcome, Refusal> {
    caller.in_room(room.clone(), |_, _| Ok(())).await?;
    if let Room::Recorder(connection) = room {
        caller.gateway.app().hub.recorder().begin(connection, Instant::now())?;
    }
    if let Some(live_after) = caller.live_after(&room) {
        let (head, missed) = missed(caller, room.clone(), since, Some(live_after)).await?;
        caller.ack(id, answer(room.clone(), head, missed));
        return Ok(followed(caller, &room));
    }
    let mut stay = match caller.hub.join(caller.connection(), room.clone()).await {
        Err(JoinError::Gone) => {
            // The membership ended while it began. If so did the standing, that is the refusal.
            caller.in_room_still(room, |_, _| Ok(())).await?;
            return Err(JoinError::Gone.into());
        }
        joined => joined?,
    };
    let (head, missed) = missed(caller, room.clone(), since, None).await?;
    caller.went_live(room.clone(), head);
    caller.ack(id, answer(room.clone(), head, missed));
    if let Err(error) = go_live(caller, &room, &mut stay, head).await {
        // The join has been answered already, and what it promised cannot be kept on this connection: the
        // client must reconnect and resume with `since`.
        ::log::error!(
            target: "souk::realtime", connection_id:% = caller.connection(), room:%;
            "a room could not be followed: {error}"
        );
        caller.handle.close(CloseReason::Internal);
    }
    Ok(followed(caller, &room))
}

/// In a conversation, the session follows the answers as well.
fn followed(caller: &SessionContext, room: &Room) -> Outcome {
    match room {
        Room::Conversation(id) => Outcome::Follows(answers::follow(caller, *id)),
        _ => Outcome::Answered,
    }
}

/// As [`join`], for a conversation; without an id, the caller's own.
pub(super) async fn join_chat(
    caller: &SessionContext,
    id: Option<&Correlation>,
    conversation: Option<ConversationId>,
    since: Option<Seq>,
) -> Result<Outcome, Refusal> {
    let conversation = match conversation {
        Some(named) => named,
        None => {
            let scope = caller.scope.clone();
            caller.db().write(move |uow| Ok::<_, Error>(conversations::own(uow, &scope)?.id)).await?
        }
    };
    join(caller, id, Room::Conversation(conversation), since).await
}

fn answer(room: Room, head: Seq, missed: Option<Vec<Envelope>>) -> AckBody {
    let recovered = missed.is_some();
    let events = missed.map(|missed| missed.into_iter().map(event).collect());
    AckBody::Joined(Joined { room, head, recovered, events })
}

/// The room's head and the events after `since`; no events if they are too many to be sent at once.
///
/// A connection that is subscribed already gets everything after `live_after` live, so only events up to
/// there can be missing.
async fn missed(
    caller: &SessionContext,
    room: Room,
    since: Option<Seq>,
    live_after: Option<Seq>,
) -> Result<(Seq, Option<Vec<Envelope>>), Refusal> {
    let limits = caller.gateway.replay_limits();
    let recheck = move |uow: &mut UnitOfWork<'_>, room: &Room| {
        let (tail, head) = event_log::span(uow.conn(), room)?;
        let up_to = live_after.unwrap_or(head);
        // A `since` after the room's head cannot come from this room, and after one before its tail events were
        // deleted: nothing can be resumed.
        let is_known = |since: &Seq| (tail..=head).contains(since);
        let Some(since) = since.filter(is_known) else { return Ok((up_to, None)) };
        let mut missed = event_log::after(uow.conn(), room, since, limits.events + 1)?;
        missed.retain(|event| event.seq <= up_to);
        let fits = missed.len() <= limits.events && missed.iter().map(weight).sum::<usize>() <= limits.bytes;
        Ok((up_to, fits.then_some(missed)))
    };
    Ok(caller.in_room_still(room, recheck).await?)
}

/// Joins the events read from the log and the live events without a gap. If more events arrived than the
/// hub's buffer holds, reads the log further.
async fn go_live(
    caller: &SessionContext,
    room: &Room,
    stay: &mut Stay,
    read_up_to: Seq,
) -> Result<(), Error> {
    let mut up_to = read_up_to;
    loop {
        match stay.splice(up_to) {
            Spliced::Live | Spliced::Gone => return Ok(()),
            Spliced::Behind => {}
        }
        let page = caller.gateway.replay_limits().events;
        let since = up_to;
        let read = caller.in_room_still(room.clone(), move |uow, room| {
            Ok(event_log::after(uow.conn(), room, since, page)?)
        });
        for envelope in read.await? {
            up_to = envelope.seq;
            let _ = caller.send(&Notice::Event(event(envelope)));
        }
    }
}

/// Unsubscribes from a room. Leaving a room that was not joined succeeds.
pub(super) fn leave(caller: &SessionContext, room: &Room) -> Result<Outcome, Refusal> {
    caller.hub.leave(caller.connection(), room);
    caller.forget(room);
    caller.followed.borrow_mut().remove(room);
    Ok(Outcome::Done)
}

/// Begins to join the rooms that a session gets automatically: on an endpoint of one room, only that room; otherwise
/// the user's own room, and in the admins' namespace the admins' room. From then on none of their events is missed;
/// the client gets them after [`FirstRoom::go_live`].
pub(crate) async fn first_rooms(
    caller: &SessionContext,
    target: &EndpointTarget,
) -> Result<Vec<FirstRoom>, CloseReason> {
    if let Some(room) = target.room() {
        return Ok(vec![begin(caller, room, Recheck::Again).await?]);
    }
    if caller.scope.is_synthetic() {
        return Ok(Vec::new());
    }
    let mut rooms = vec![begin(caller, Room::User(caller.scope.user()), Recheck::Enough).await?];
    if caller.dialect == Dialect::SocketIo(Namespace::Admin) {
        rooms.push(begin(caller, Room::Admin, Recheck::Enough).await?);
    }
    Ok(rooms)
}

/// A room that is being joined: its events wait for the session.
#[must_use]
pub(crate) struct FirstRoom {
    room: Room,
    stay: Stay,
}

impl FirstRoom {
    /// Sends the client the room's events since the join began, and from now on all of them as they come.
    pub(crate) async fn go_live(mut self, caller: &SessionContext) -> Result<(), CloseReason> {
        let head = self.stay.head();
        caller.went_live(self.room.clone(), head);
        let live = go_live(caller, &self.room, &mut self.stay, head).await;
        live.map_err(|error| Refusal::from(error).close_reason())
    }
}

/// Joins a room that the caller has just created: its events so far are sent as if they were live.
pub(super) async fn from_start(caller: &SessionContext, room: Room) -> Result<(), CloseReason> {
    let mut stay = caller.hub.join(caller.connection(), room.clone()).await.map_err(|error| match error {
        JoinError::Draining => CloseReason::Restarting,
        error => Refusal::from(error).close_reason(),
    })?;
    let since_start = missed(caller, room.clone(), Some(Seq::START), None).await;
    let (head, events) = since_start.map_err(|refusal| refusal.close_reason())?;
    caller.went_live(room.clone(), head);
    for envelope in events.into_iter().flatten() {
        let _ = caller.send(&Notice::Event(event(envelope)));
    }
    go_live(caller, &room, &mut stay, head).await.map_err(|error| Refusal::from(error).close_reason())
}

/// Whether the standing in a room must be checked again after joining it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recheck {
    /// No: it ends only with the session.
    Enough,
    /// Yes: it may have ended since it was checked, without a revocation reaching the session, which was not
    /// in the room yet.
    Again,
}

async fn begin(caller: &SessionContext, room: Room, recheck: Recheck) -> Result<FirstRoom, CloseReason> {
    let stay = match caller.hub.join(caller.connection(), room.clone()).await {
        Ok(stay) => stay,
        Err(JoinError::Draining) => return Err(CloseReason::Restarting),
        Err(error) => return Err(Refusal::from(error).close_reason()),
    };
    if recheck == Recheck::Again {
        let still = caller.in_room_still(room.clone(), |_, _| Ok(())).await;
        still.map_err(|error| Refusal::from(error).close_reason())?;
    }
    Ok(FirstRoom { room, stay })
}
