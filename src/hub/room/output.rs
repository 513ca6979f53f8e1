//! What rooms ask of the actor around them: deliveries to worker threads, and reads of the log.

use crate::hub::message::{RoomMessage, WorkerId};
use crate::ids::{Room, Seq};

/// Events that one read of the log fetches.
pub(super) const PAGE: usize = 500;

/// Something to be read from the log for a room; the answer comes back through `Rooms::head_read` or
/// `Rooms::events_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) room: Room,
    /// Which life of the room asks: an answer to a former one is stale.
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

/// Where parcels and reads go.
pub(super) trait RoomOutput {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused>;
    fn read(&mut self, read: Read);
}
