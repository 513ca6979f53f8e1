//! What can be seen of live sessions from outside.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::Endpoint;

/// A session that is live, as it was a moment ago.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The connection's name.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// The login that its token came from.
    pub login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub issuer: Option<Arc<str>>,
    /// `token_epoch` of the user's row when the token was checked.
    pub epoch: Timestamp,
    /// Where it was made.
    pub endpoint: Endpoint,
    /// How it speaks there.
    pub dialect: Dialect,
    /// Where it comes from.
    pub address: IpAddr,
    /// When it began.
    pub since: Timestamp,
    /// For how long its client has given no sign of life, to the second.
    pub silent_for: Duration,
    /// How many rooms it is in.
    pub rooms: usize,
}

/// Which sessions are asked for.
#[derive(Clone, Copy, Debug)]
pub enum SessionFilter {
    /// Whosever they are.
    All,
    /// A user's.
    User(UserId),
    /// Those that hang on a login.
    Login(LoginId),
    /// That of one connection.
    Connection(ConnectionId),
}

/// A room as the admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// The room.
    pub room: Room,
    /// Connections in it.
    pub members: usize,
    /// Users in it.
    pub users: usize,
    /// Position of the last event that its members got; `None` while it is being looked up.
    pub head: Option<Seq>,
}
