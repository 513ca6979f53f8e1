//! What rooms ask of the actor around them: deliveries to worker threads, and reads of the log.

use crate::hub::message::{RoomMessage, WorkerId};
use crate::ids::{Room, Seq};

/// Maximum number of events that one read of the log fetches.
pub(super) const PAGE: usize = 500;

/// A read of the log for a room; the result comes back through `Rooms::head_read` or `Rooms::events_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) room: Room,
    /// The generation of the room that asks. A result for an earlier generation is stale and ignored.
    pub(super) generation: u64,
    pub(super) what: ReadWhat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadWhat {
    Head,
    After(Seq),
}

/// The worker's mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// Takes messages for workers and requests for reads.
pub(super) trait RoomOutput {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused>;
    fn read(&mut self, read: Read);
}
