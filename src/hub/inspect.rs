//! Snapshots of live sessions and rooms, for the admin API.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
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
}

/// Which sessions to list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionFilter {
    /// All sessions.
    All,
    /// Those of one user.
    User(UserId),
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
}
