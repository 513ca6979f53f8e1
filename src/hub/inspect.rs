//! Snapshots of live sessions and rooms, for the admin API.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::Endpoint;

/// A live session. A snapshot: it may have changed since.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    /// The connection's id.
    pub(crate) connection: ConnectionId,
    /// The user whose token it presented.
    pub(crate) user: UserId,
    /// The login that its token was issued for; `None` for a token of another issuer.
    pub(crate) login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub(crate) issuer: Option<Arc<str>>,
    /// The endpoint that it is connected to.
    pub(crate) endpoint: Endpoint,
    /// The client's network address.
    pub(crate) address: IpAddr,
    /// When it was connected.
    pub(crate) since: Timestamp,
    /// Time since anything was received from the client, with the resolution of a tick (one second).
    pub(crate) silent_for: Duration,
    /// Messages received from the client: not pings and pongs.
    pub(crate) messages: u64,
    /// How many rooms it is a member of, or is joining.
    pub(crate) rooms: usize,
    /// The dialect of its notices.
    pub(crate) dialect: Dialect,
    /// Bytes that wait to be written to its client, with the overhead of each frame.
    pub(crate) waiting: usize,
}

/// Which sessions to list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionFilter {
    /// All sessions.
    All,
    /// Those of one user.
    User(UserId),
    /// This one.
    Connection(ConnectionId),
    /// Those from one address.
    Address(IpAddr),
}

/// A room, for the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomSnapshot {
    /// The room's name.
    pub(crate) room: Room,
    /// Connections that are members.
    pub(crate) members: usize,
    /// Users with at least one of them.
    pub(crate) users: usize,
    /// Position of the last event that was sent to its members; `None` while it is being read from the log.
    pub(crate) head: Option<Seq>,
    /// Events that were sent to its members within the last minute, to ten seconds.
    pub(crate) events: u64,
}

/// Which rooms come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RoomOrder {
    /// Those with the most connections.
    #[default]
    Largest,
    /// Those with the most events within the last minute.
    Busiest,
}

impl RoomOrder {
    /// The room's place in this order.
    pub(crate) fn place(self, room: &RoomSnapshot) -> RoomPlace {
        let count = match self {
            Self::Largest => room.members as u64,
            Self::Busiest => room.events,
        };
        RoomPlace { count: Reverse(count), room: room.room.clone() }
    }
}

/// A place in a list of rooms: by number, the largest first, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoomPlace {
    count: Reverse<u64>,
    room: Room,
}

impl fmt::Display for RoomPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count.0, self.room)
    }
}

/// The text is no place in a list of rooms.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be a number and a room")]
pub(crate) struct InvalidPlace;

impl FromStr for RoomPlace {
    type Err = InvalidPlace;
    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (count, room) = text.split_once(' ').ok_or(InvalidPlace)?;
        let count = Reverse(count.parse().map_err(|_| InvalidPlace)?);
        Ok(Self { count, room: room.parse().map_err(|_| InvalidPlace)? })
    }
}

/// Which rooms to list.
#[derive(Clone, Debug)]
pub(crate) struct RoomQuery {
    /// Which come first.
    pub(crate) order: RoomOrder,
    /// Only rooms after this place; `None` from the first on.
    pub(crate) after: Option<RoomPlace>,
    /// At most so many.
    pub(crate) at_most: usize,
    /// Whether a room is listed; of the others only the number is told.
    pub(crate) is_listed: fn(&Room) -> bool,
}

/// Rooms with members.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomList {
    /// Those that are listed.
    pub(crate) rooms: Vec<RoomSnapshot>,
    /// The others, by kind.
    pub(crate) unlisted: BTreeMap<&'static str, Unlisted>,
}

/// Rooms of a kind that are not listed one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unlisted {
    /// How many there are.
    pub(crate) rooms: usize,
    /// Connections in them.
    pub(crate) members: usize,
}

/// A connection's membership in a room, in positions of the room's log: clocks of several threads would not agree on
/// who was there when an event was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MembershipSpan {
    /// The connection.
    pub(crate) connection: ConnectionId,
    /// Whose connection it is: that of an admin who views as somebody else is the admin's.
    pub(crate) user: UserId,
    /// The room's head when it joined: it was sent the events after this one.
    pub(crate) after: Seq,
    /// The last event that it was sent; `None` if it is still a member.
    pub(crate) until: Option<Seq>,
}

impl MembershipSpan {
    /// Whether it was in the room when the event at this position was sent.
    pub(super) fn covers(&self, at: Seq) -> bool {
        self.after < at && self.until.is_none_or(|until| at <= until)
    }
}

/// Who was in a room when the event at a position was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PresenceAt {
    /// From this position on nobody is missing. `None` if nothing is known: the room has no members, and no membership
    /// of it is kept.
    pub(crate) known_since: Option<Seq>,
    /// Their memberships.
    pub(crate) members: Vec<MembershipSpan>,
}
