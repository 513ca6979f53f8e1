//! Frames of sessions as recordings keep them.

use tokio::time::Instant;

use crate::hub::FrameSeen;
use crate::hub::message::{Contents, RoomMessage};
use crate::ids::{Room, Seq};
use crate::protocol::{Direction, Notice};

/// A notice to a room as one of its members is sent it.
pub(super) fn of_room(message: &RoomMessage, bytes: usize) -> FrameSeen {
    let seq = match message.contents {
        Contents::Event(seq) => Some(seq),
        Contents::Ephemeral { .. } => None,
    };
    FrameSeen { room: Some(message.room.clone()), seq, ..sent(message.name, bytes) }
}

/// A notice of the hub itself as a session is sent it.
pub(super) fn own(notice: &Notice, bytes: usize) -> FrameSeen {
    FrameSeen { room: notice.place().0.cloned(), ..sent(notice.name(), bytes) }
}

/// An event that only one session is sent now: it waited while the session joined its room, or the session has
/// caused it.
pub(super) fn event(room: &Room, seq: Seq, bytes: usize) -> FrameSeen {
    FrameSeen { room: Some(room.clone()), seq: Some(seq), ..sent("event", bytes) }
}

fn sent(kind: &'static str, bytes: usize) -> FrameSeen {
    FrameSeen {
        at: Instant::now(),
        direction: Direction::Out,
        kind,
        room: None,
        seq: None,
        bytes,
        latency: None,
    }
}
