//! The `typing` and `signal` commands: what members tell each other without its being stored.

use crate::domain::sessions;
use crate::hub::Ephemeral;
use crate::ids::Room;
use crate::protocol::{SignalData, Topic};

use super::{Outcome, Refusal, SessionContext};

/// Sends `typing` to the room's other members.
pub(super) async fn typing(caller: &SessionContext, room: Room) -> Result<Outcome, Refusal> {
    tell(caller, Ephemeral::Typing { room: writable(caller, room).await?, by: caller.scope.user() })
}

/// Sends `signal` to the room's other members.
pub(super) async fn signal(
    caller: &SessionContext,
    room: Room,
    topic: Topic,
    data: SignalData,
) -> Result<Outcome, Refusal> {
    let room = writable(caller, room).await?;
    tell(caller, Ephemeral::Signal { room, by: caller.scope.user(), topic, data })
}

fn tell(caller: &SessionContext, ephemeral: Ephemeral) -> Result<Outcome, Refusal> {
    caller.hub.broadcast(caller.connection(), ephemeral)?;
    Ok(Outcome::Done)
}

/// Only rooms where people write to each other: elsewhere it would just reveal one member to the others. Members may
/// write there, except for admins in a chat that is not theirs.
async fn writable(caller: &SessionContext, room: Room) -> Result<Room, Refusal> {
    match room {
        Room::Session(session) if caller.scope.is_admin() => {
            let scope = caller.scope.clone();
            caller.db().read(move |uow| sessions::check_may_write(uow, &scope, session)).await?;
            Ok(room)
        }
        Room::Session(_) | Room::Project(_) | Room::Conversation(_) | Room::LoadTest(_) => Ok(room),
        Room::User(_)
        | Room::Market(_)
        | Room::Booking(_)
        | Room::Entry(_)
        | Room::Simulation(_)
        | Room::Metrics
        | Room::Recorder(_)
        | Room::Admin => Err(Refusal::invalid("room", "is none where people write to each other")),
    }
}
