//! The `presence` command.

use crate::ids::Room;
use crate::protocol::AckBody;

use super::{Outcome, Refusal, SessionContext};

/// The users in a room; only for its members.
pub(super) async fn members(caller: &SessionContext, room: &Room) -> Result<Outcome, Refusal> {
    if !caller.hub.is_member(caller.connection(), room) {
        return Err(Refusal::not_joined());
    }
    let members = caller.hub.presence(room).await?;
    let focus = match room {
        Room::Project(_) => caller.hub.focused(room).await?,
        _ => Vec::new(),
    };
    Ok(Outcome::Answer(AckBody::Presence { members, focus }))
}
