//! What travels between the two levels of the hub: frames that are encoded once and shared.

use std::sync::Arc;

use bytes::Bytes;

use super::Delivery;
use crate::events::Envelope;
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::realtime::protocol::{Dialect, Event, Notice, encode};

/// A worker thread, as the RoomHub counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WorkerId(pub(super) u32);

/// One stay of a connection in a room. A connection that leaves and joins again has a new one, so that what is said of
/// the old stay cannot end the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MembershipId(pub(super) u64);

/// A membership that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) connection: ConnectionId,
    pub(super) room: Room,
    pub(super) membership: MembershipId,
}

/// A notice, encoded once for each dialect that is in use where it goes.
#[derive(Debug, Default)]
pub(super) struct Frames([Option<Bytes>; Dialect::ALL.len()]);

impl Frames {
    pub(super) fn encode(notice: &Notice, in_use: impl Fn(Dialect) -> bool) -> Self {
        let mut frames = Self::default();
        for dialect in Dialect::ALL.into_iter().filter(|dialect| in_use(*dialect)) {
            if let Some(slot) = frames.0.get_mut(dialect.index()) {
                *slot = Some(encode(dialect, notice));
            }
        }
        frames
    }

    pub(super) fn of(&self, dialect: Dialect) -> Option<&Bytes> {
        self.0.get(dialect.index())?.as_ref()
    }
}

/// Who does not get a notice that goes to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Except {
    /// The connection that caused it.
    Connection(ConnectionId),
    /// Every connection of the user that it is about.
    User(UserId),
}

/// One notice on its way to the members of a room on one worker thread.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) room: Room,
    pub(super) frames: Arc<Frames>,
    pub(super) contents: Contents,
}

#[derive(Clone, Debug)]
pub(super) enum Contents {
    /// An event of the log; each member gets each position once, in order.
    Event(Seq),
    /// Something that is not stored.
    Passing { delivery: Delivery, except: Except },
}

/// An event of the log as members see it.
pub(super) fn event_notice(event: Envelope) -> Notice {
    let Envelope { room, seq, kind, by, at, data } = event;
    Notice::Event(Event { room, seq, kind, data, by, at })
}
