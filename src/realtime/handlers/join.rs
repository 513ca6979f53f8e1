//! `join` and `leave`.

use crate::db::{UnitOfWork, event_log};
use crate::domain::{Error, conversations};
use crate::events::Envelope;
use crate::hub::{JoinError, Joined as Stay, Spliced};
use crate::ids::{ConversationId, Room, Seq};
use crate::protocol::close::CloseReason;
use crate::protocol::{AckBody, Correlation, Dialect, Joined, Namespace, Notice};
use crate::realtime::target::EndpointTarget;

use super::history::{event, weight};
use super::{Caller, Outcome, Refusal};

/// Lets the caller hear a room: what it has missed first, then everything, in order, nothing twice.
///
/// The hub keeps live events back from before the log is read, so that none falls between. Standing is looked
/// at twice: before, so that strangers never show among the members, and after, so that a standing that ends
/// meanwhile is seen.
pub(super) async fn join(
    caller: &Caller,
    id: Option<&Correlation>,
    room: Room,
    since: Option<Seq>,
) -> Result<Outcome, Refusal> {
    caller.in_room(room.clone(), |_, _| Ok(())).await?;
    if let Some(live_after) = caller.live_after(&room) {
        let (head, missed) = missed(caller, room.clone(), since, Some(live_after)).await?;
        caller.ack(id, answer(room, head, missed));
        return Ok(Outcome::Answered);
    }
    let mut stay = caller.hub.join(caller.connection(), room.clone()).await?;
    let (head, missed) = missed(caller, room.clone(), since, None).await?;
    caller.went_live(room.clone(), head);
    caller.ack(id, answer(room.clone(), head, missed));
    if let Err(error) = go_live(caller, &room, &mut stay, head).await {
        // The join is answered already, and what it promised cannot be kept here: on the next connection, by
        // `since`.
        ::log::error!(
            target: "souk::realtime", connection_id:% = caller.connection(), room:%;
            "a room could not be followed: {error}"
        );
        caller.handle.close(CloseReason::Internal);
    }
    Ok(Outcome::Answered)
}

/// The same for a conversation. One that names none means the caller's own.
pub(super) async fn join_chat(
    caller: &Caller,
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

/// Where the room stands, and what happened after `since`; nothing when that is too much to be sent at once.
///
/// A connection that hears the room already has all after `live_after`, or is about to: it misses only what
/// was before.
async fn missed(
    caller: &Caller,
    room: Room,
    since: Option<Seq>,
    live_after: Option<Seq>,
) -> Result<(Seq, Option<Vec<Envelope>>), Refusal> {
    let limits = caller.gateway.replay_limits();
    let recheck = move |uow: &mut UnitOfWork<'_>, room: &Room| {
        let head = event_log::head(uow.conn(), room)?;
        let up_to = live_after.unwrap_or(head);
        // A position that the room never reached is not ours to resume from.
        let Some(since) = since.filter(|since| *since <= head) else { return Ok((up_to, None)) };
        let mut missed = event_log::after(uow.conn(), room, since, limits.events + 1)?;
        missed.retain(|event| event.seq <= up_to);
        let fits = missed.len() <= limits.events && missed.iter().map(weight).sum::<usize>() <= limits.bytes;
        Ok((up_to, fits.then_some(missed)))
    };
    Ok(caller.in_room_still(room, recheck).await?)
}

/// Joins the read log and the live events. Where more was said meanwhile than the hub could keep back, reads
/// on.
async fn go_live(caller: &Caller, room: &Room, stay: &mut Stay, read_up_to: Seq) -> Result<(), Error> {
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

/// Ends hearing a room. Leaving one that was never joined is done already.
pub(super) fn leave(caller: &Caller, room: &Room) -> Result<Outcome, Refusal> {
    caller.hub.leave(caller.connection(), room);
    caller.forget(room);
    Ok(Outcome::Done)
}

/// At the start of a session: what it hears without asking. A user's own notices, and in the admins' namespace theirs;
/// on an endpoint of one room, that room and nothing else.
pub(crate) async fn first_rooms(caller: &Caller, target: &EndpointTarget) -> Result<(), CloseReason> {
    if let Some(room) = target.room() {
        return subscribe(caller, room, Recheck::Again).await;
    }
    if caller.scope.is_synthetic() {
        return Ok(());
    }
    subscribe(caller, Room::User(caller.scope.user()), Recheck::Enough).await?;
    if caller.dialect == Dialect::SocketIo(Namespace::Admin) {
        subscribe(caller, Room::Admin, Recheck::Enough).await?;
    }
    Ok(())
}

/// Whether the standing in a room is certain by what the session was let in for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recheck {
    /// It ends with the session.
    Enough,
    /// It may have ended since it was looked at, and nobody was told, because the session was in no room yet.
    Again,
}

async fn subscribe(caller: &Caller, room: Room, recheck: Recheck) -> Result<(), CloseReason> {
    let mut stay = match caller.hub.join(caller.connection(), room.clone()).await {
        Ok(stay) => stay,
        Err(JoinError::Draining) => return Err(CloseReason::Restarting),
        Err(error) => return Err(Refusal::from(error).close_reason()),
    };
    let heard = async {
        if recheck == Recheck::Again {
            caller.in_room_still(room.clone(), |_, _| Ok(())).await?;
        }
        let head = stay.head();
        caller.went_live(room.clone(), head);
        go_live(caller, &room, &mut stay, head).await.map_err(Refusal::from)
    };
    heard.await.map_err(|refusal: Refusal| refusal.close_reason())
}
