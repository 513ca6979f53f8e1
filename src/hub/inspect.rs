//! Snapshots of live sessions and rooms, for the admin API.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::Endpoint;

/// A live session. A snapshot: it may have changed since.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The connection's id.
    pub connection: ConnectionId,
    /// The user whose token it presented.
    pub user: UserId,
    /// The login that its token was issued for; `None` for a token of another issuer.
    pub login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub issuer: Option<Arc<str>>,
    /// `token_epoch` of the user's row when the token was checked.
    pub epoch: Timestamp,
    /// The endpoint that it is connected to.
    pub endpoint: Endpoint,
    /// The dialect that its messages are encoded in.
    pub dialect: Dialect,
    /// The client's network address.
    pub address: IpAddr,
    /// When it was connected.
    pub since: Timestamp,
    /// Time since anything was received from the client, with the resolution of a tick (one second).
    pub silent_for: Duration,
    /// How many rooms it is a member of, or is joining.
    pub rooms: usize,
}

/// Which sessions to list.
#[derive(Clone, Copy, Debug)]
pub enum SessionFilter {
    /// All sessions.
    All,
    /// Those of one user.
    User(UserId),
    /// Those whose token was issued for one login.
    Login(LoginId),
    /// That of one connection.
    Connection(ConnectionId),
}

/// A room, for the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// The room's name.
    pub room: Room,
    /// Connections that are members.
    pub members: usize,
    /// Users with at least one of them.
    pub users: usize,
    /// Position of the last event that was sent to its members; `None` while it is being read from the log.
    pub head: Option<Seq>,
}
