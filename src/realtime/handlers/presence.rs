//! `presence`.

use super::{Caller, Outcome, Refusal};
use crate::ids::Room;
use crate::realtime::protocol::AckBody;

/// Who is in a room, for those who are.
pub(super) async fn members(caller: &Caller, room: &Room) -> Result<Outcome, Refusal> {
    if !caller.hub.is_member(caller.connection(), room) {
        return Err(Refusal::not_joined());
    }
    Ok(Outcome::Answer(AckBody::Presence { members: caller.hub.presence(room).await? }))
}
