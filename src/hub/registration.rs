//! What a session tells the hub about itself.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, TokenId, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::{CloseReason, Endpoint};

use super::{Outbox, UserPermit};

/// The rights that a session hangs on. When one of them ends, the session goes.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who it is.
    pub user: UserId,
    /// The login that the token came from, for our own tokens.
    pub login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub issuer: Option<Arc<str>>,
    /// The token.
    pub token: TokenId,
    /// `token_epoch` of the user's row when the token was checked.
    pub epoch: Timestamp,
    /// How many rooms it lets a session into, by the user's plan.
    pub rooms: usize,
}

/// Asks a session to end.
pub type Evict = Rc<dyn Fn(CloseReason)>;

/// A session that wants to hear.
///
/// Register **before** the last look at whether the token is revoked and the user active: a right that ends after that
/// look then finds the session here, and one that ended before is seen by the look.
pub struct Registration {
    /// The connection's name.
    pub connection: ConnectionId,
    /// By what right it is here.
    pub credentials: Credentials,
    /// Where it was made.
    pub endpoint: Endpoint,
    /// Where it comes from.
    pub address: IpAddr,
    /// When it began.
    pub since: Timestamp,
    /// How notices are encoded for it.
    pub dialect: Dialect,
    /// The room that the connection was opened for, where its address names one: when the standing there ends, so does
    /// the session.
    pub bound_room: Option<Room>,
    /// Where notices for it go.
    pub outbox: Outbox,
    /// Asks the session to end, on its own thread. Should call [`Outbox::finish`] with the endpoint's close frame: that
    /// needs no cooperation of an actor that may be frozen. `disconnecting` stands in the outbox already.
    pub evict: Evict,
    /// Shuts the socket (both ways) through its second handle, for a session that did not end when asked.
    pub abort: Rc<dyn Fn()>,
    /// Its place in the count of the user's connections.
    pub user_permit: UserPermit,
}
