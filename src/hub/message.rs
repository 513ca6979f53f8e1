//! What travels between the two levels of the hub: what each actor can be told, and notices that are encoded once and
//! shared.

use std::sync::Arc;

use actix::{Message, Recipient};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::events::Envelope;
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::protocol::{Dialect, Event, Notice, encode};

use crate::domain::Page;

use super::drain::Pace;
use super::{Delivery, JoinError, LiveSession, RoomSnapshot, SessionFilter};

/// A worker thread, as the RoomHub counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WorkerId(pub(super) u32);

/// One stay of a connection in a room. A connection that leaves and joins again has a new one, so that what is said of
/// the old stay cannot end the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MembershipId(pub(super) u64);

/// A membership that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MembershipRef {
    pub(super) connection: ConnectionId,
    pub(super) room: Room,
    pub(super) membership: MembershipId,
}

/// A notice, encoded once for each dialect that is in use where it goes.
#[derive(Debug, Default)]
pub(super) struct EncodedNotice([Option<Bytes>; Dialect::ALL.len()]);

impl EncodedNotice {
    pub(super) fn encode(notice: &Notice, in_use: impl Fn(Dialect) -> bool) -> Self {
        let mut encoded = Self::default();
        for dialect in Dialect::ALL.into_iter().filter(|dialect| in_use(*dialect)) {
            if let Some(slot) = encoded.0.get_mut(dialect.index()) {
                *slot = Some(encode(dialect, notice));
            }
        }
        encoded
    }

    pub(super) fn of(&self, dialect: Dialect) -> Option<&Bytes> {
        self.0.get(dialect.index())?.as_ref()
    }
}

/// Who does not get a notice that goes to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exclude {
    /// The connection that caused it.
    Connection(ConnectionId),
    /// Every connection of the user that it is about.
    User(UserId),
}

/// One notice on its way to the members of a room on one worker thread.
#[derive(Clone, Debug)]
pub(super) struct RoomMessage {
    pub(super) room: Room,
    pub(super) encoded: Arc<EncodedNotice>,
    pub(super) contents: Contents,
}

#[derive(Clone, Debug)]
pub(super) enum Contents {
    /// An event of the log; each member gets each position once, in order.
    Event(Seq),
    /// Something that is not stored.
    Ephemeral { delivery: Delivery, exclude: Exclude },
}

/// An event of the log as members see it.
pub(super) fn event_notice(event: Envelope) -> Notice {
    let Envelope { room, seq, kind, by, at, data } = event;
    Notice::Event(Event { room, seq, kind, data, by, at })
}

/// A connection asks to hear a room.
pub(super) struct Join {
    pub(super) room: Room,
    pub(super) connection: ConnectionId,
    pub(super) user: UserId,
    pub(super) dialect: Dialect,
    pub(super) worker: WorkerId,
    pub(super) membership: MembershipId,
    /// Answered with the room's head once live events are sure to reach the member.
    pub(super) reply: oneshot::Sender<Result<Seq, JoinError>>,
}

/// Everything that the RoomHub is told, always by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum ToRoomHub {
    Join(Join, Recipient<ToLocalHub>),
    Departed(Vec<MembershipRef>),
    Committed(Vec<Envelope>),
    Broadcast {
        room: Room,
        notice: Notice,
        delivery: Delivery,
        exclude: Exclude,
    },
    Members {
        room: Room,
        reply: oneshot::Sender<Vec<UserId>>,
    },
    Largest {
        at_most: usize,
        reply: oneshot::Sender<Vec<RoomSnapshot>>,
    },
    /// Reports of commits were lost: a flag says so, this only wakes.
    CatchUp,
}

/// Everything that other threads tell a LocalHub, always by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum ToLocalHub {
    RoomMessage(RoomMessage),
    /// The worker's list of orders has grown.
    WorkerCommands,
    /// The newest sessions of a page, one more than it holds.
    List {
        filter: SessionFilter,
        page: Page<ConnectionId>,
        reply: oneshot::Sender<Vec<LiveSession>>,
    },
    Drain(Box<Pace>),
}
