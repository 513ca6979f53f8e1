//! Who is in a room, as nodes tell each other.

use crate::ids::{Room, UserId};

/// A user came to a room on one node, or left it there: the user's first connection joined, or the last one left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomPresence {
    /// The room.
    pub(crate) room: Room,
    /// The user.
    pub(crate) user: UserId,
    /// Whether the user is there from now on.
    pub(crate) is_present: bool,
}
