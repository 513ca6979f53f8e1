//! What rooms ask of the actor around them: deliveries to worker threads, reads of the log, and messages to other
//! nodes.

use crate::hub::deliveries::Refused;
use crate::hub::message::{RoomMessage, WorkerId};
use crate::hub::relay::Relayed;
use crate::ids::{Room, Seq, UserId};

/// Maximum number of events that one read of the log fetches.
pub(super) const PAGE: usize = 500;

/// A read of the log for a room; the result comes back through `Rooms::started`, `Rooms::events_read`
/// or `Rooms::elsewhere_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) room: Room,
    /// The generation of the room that asks. A result for an earlier generation is stale and ignored.
    pub(super) generation: u64,
    pub(super) what: ReadWhat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadWhat {
    /// The room's head, and who is in it elsewhere.
    Start,
    /// The events after a position.
    After(Seq),
    /// Who is in the room elsewhere, which was last changed by this version.
    Elsewhere(u64),
}

/// Takes messages for workers and other nodes, and requests for reads.
pub(super) trait RoomOutput {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused>;
    fn read(&mut self, read: Read);
    /// The user's first connection here has joined the room, or the last one has left it.
    fn presence(&mut self, room: &Room, user: UserId, is_present: bool);
    /// Tells the other nodes, if there is a bus.
    fn relay(&mut self, message: impl FnOnce() -> Relayed);
}
