//! The messages between the two levels of the hub, and notices that are encoded once and shared.

use std::sync::Arc;

use actix::Message;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::db::{Head, PresenceElsewhere};
use crate::events::Envelope;
use crate::ids::{ConnectionId, NodeId, Room, Seq, UserId};
use crate::protocol::{Dialect, Event, Notice, TaskFocus, encode};

use crate::domain::Page;

use super::drain::Pace;
use super::ephemeral::Ephemeral;
use super::{Delivery, JoinError, LiveSession, PresenceAt, RoomList, RoomQuery, SessionFilter};

/// A worker thread's number, in the order in which LocalHubs were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WorkerId(pub(super) u32);

/// One membership of a connection in a room. A connection that leaves and joins again gets a new id, so that
/// a late message about the old membership cannot end the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MembershipId(pub(super) u64);

/// A reference to one membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MembershipRef {
    pub(super) connection: ConnectionId,
    pub(super) room: Room,
    pub(super) membership: MembershipId,
}

/// A membership that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) membership: MembershipRef,
    /// The last event that the member was sent; `None` if it was sent none live: the policy may have refused it.
    pub(super) last: Option<Seq>,
}

/// A notice, encoded once for each dialect that its recipients use.
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

    /// Bytes of the frames of all dialects.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().flatten().map(Bytes::len).sum()
    }

    pub(super) fn of(&self, dialect: Dialect) -> Option<&Bytes> {
        self.0.get(dialect.index())?.as_ref()
    }
}

/// Who does not get a notice that is broadcast to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Exclude {
    /// The connection that caused it.
    Connection(ConnectionId),
    /// Every connection of the user that it is about.
    User(UserId),
    /// Nobody: no member caused it.
    Nobody,
    /// All connections that were not opened for the room, and the one that caused it.
    Unbound(ConnectionId),
}

/// One notice for the members of a room on one worker thread.
#[derive(Clone, Debug)]
pub(super) struct RoomMessage {
    pub(super) room: Room,
    /// The notice's name.
    pub(super) name: &'static str,
    pub(super) encoded: Arc<EncodedNotice>,
    pub(super) contents: Contents,
}

#[derive(Clone, Debug)]
pub(super) enum Contents {
    /// An event of the log; each member gets each position once, in order.
    Event(Seq),
    /// A notice that is not stored, such as `typing` or `presence`.
    Ephemeral { delivery: Delivery, exclude: Exclude },
}

/// An event of the log as members receive it.
pub(super) fn event_notice(event: Envelope) -> Notice {
    let Envelope { room, seq, kind, by, at, data } = event;
    Notice::Event(Event { room, seq, kind, data, by, at })
}

/// A connection asks to become a member of a room.
pub(super) struct Join {
    pub(super) room: Room,
    pub(super) connection: ConnectionId,
    pub(super) user: UserId,
    /// Whose connection it is: the user's, or that of an admin who views as the user.
    pub(super) holder: UserId,
    pub(super) dialect: Dialect,
    pub(super) worker: WorkerId,
    pub(super) membership: MembershipId,
    /// Answered with the room's head once live events are certain to reach the member.
    pub(super) reply: oneshot::Sender<Result<Seq, JoinError>>,
}

/// The messages of the RoomHub's mailbox, always sent by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum ToRoomHub {
    Join(Join),
    Departed(Vec<Departure>),
    Committed(Vec<Envelope>),
    /// Positions that the log has reached.
    Heads(Vec<Head>),
    /// Who came to rooms on other nodes, or left them.
    Presence(Vec<PresenceElsewhere>),
    /// A notice of this node, which the other nodes are told as well.
    Broadcast {
        ephemeral: Ephemeral,
        exclude: Exclude,
    },
    /// The same, of another node.
    Relayed {
        node: NodeId,
        ephemeral: Ephemeral,
        exclude: Exclude,
    },
    /// Another node has its first member in this room of a board.
    WantsFocus(Room),
    /// Rows of nodes no longer count, or count again: who is elsewhere must be read anew.
    NodesChanged,
    /// The rooms and users that other nodes are told of.
    Present {
        reply: oneshot::Sender<Vec<(Room, UserId)>>,
    },
    Members {
        room: Room,
        reply: oneshot::Sender<Vec<UserId>>,
    },
    /// Who was in a room when the event at this position was sent.
    PresentAt {
        room: Room,
        at: Seq,
        reply: oneshot::Sender<PresenceAt>,
    },
    /// What a member looks at or edits on a board.
    Focus {
        room: Room,
        focus: TaskFocus,
    },
    /// What all members look at or edit.
    Focused {
        room: Room,
        reply: oneshot::Sender<Vec<TaskFocus>>,
    },
    List {
        query: RoomQuery,
        reply: oneshot::Sender<RoomList>,
    },
    /// Reports of commits were lost. The publisher's flag records that; this message only makes the RoomHub
    /// look at it.
    CatchUp,
}

/// The messages from other threads to a LocalHub, always sent by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum ToLocalHub {
    /// Messages to rooms wait beside the mailbox.
    Deliveries,
    /// The worker's list of commands has grown.
    WorkerCommands,
    /// The newest sessions before the page's position, one more than the page holds.
    List {
        filter: SessionFilter,
        page: Page<ConnectionId>,
        reply: oneshot::Sender<Vec<LiveSession>>,
    },
    Drain(Box<Pace>),
}
