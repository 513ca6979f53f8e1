//! The `typing` command.

use crate::hub::Delivery;
use crate::ids::Room;
use crate::protocol::Notice;

use super::{Caller, Outcome, Refusal};

/// Sends `typing` to the room's other members. Only in rooms where people write to each other: elsewhere it
/// would just reveal one member to the others.
pub(super) fn typing(caller: &Caller, room: Room) -> Result<Outcome, Refusal> {
    match room {
        Room::Session(_) | Room::Project(_) | Room::Conversation(_) | Room::LoadTest(_) => {}
        Room::User(_)
        | Room::Market(_)
        | Room::Booking(_)
        | Room::Entry(_)
        | Room::Simulation(_)
        | Room::Metrics
        | Room::Admin => {
            return Err(Refusal::invalid("room", "is none where people write to each other"));
        }
    }
    let notice = Notice::Typing { room: room.clone(), by: caller.scope.user() };
    caller.hub.broadcast(caller.connection(), &room, notice, Delivery::Droppable)?;
    Ok(Outcome::Done)
}
