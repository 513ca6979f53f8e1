//! What a session gives the hub when it registers.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::events::Revocation;
use crate::ids::{ConnectionId, LoginId, Room, TokenId, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::{CloseReason, Endpoint};

use super::{Outbox, UserPermit};

/// The rights that a session depends on. When one of them ends, the session is evicted.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authenticated user.
    pub user: UserId,
    /// The login that the token came from, for our own tokens.
    pub login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub issuer: Option<Arc<str>>,
    /// The token's `jti`.
    pub token: TokenId,
    /// `token_epoch` of the user's row when the token was checked.
    pub epoch: Timestamp,
    /// What the right of an admin depends on who views as the user: when it ends, so does the session.
    pub viewer: Option<Viewing>,
    /// Rooms that the session may be in at once, from the user's plan.
    pub rooms: usize,
}

/// The right of an admin to view as somebody else.
#[derive(Clone, Debug)]
pub struct Viewing {
    /// The admin.
    pub user: UserId,
    /// The admin's login.
    pub login: Option<LoginId>,
    /// Issuer of the admin's token; `None` for our own.
    pub issuer: Option<Arc<str>>,
    /// `jti` of the admin's token.
    pub token: TokenId,
    /// `token_epoch` of the admin's row when the view began.
    pub epoch: Timestamp,
}

impl Credentials {
    /// Who holds the connection: the admin who views as the user, or else the user.
    pub(crate) fn holder(&self) -> UserId {
        self.viewer.as_ref().map_or(self.user, |viewer| viewer.user)
    }

    /// The login of who holds the connection.
    pub(crate) fn held_by(&self) -> Option<LoginId> {
        self.viewer.as_ref().map_or(self.login, |viewer| viewer.login)
    }

    /// Whether they were checked after the revocation of somebody's rights: their epoch is the new one.
    pub(crate) fn are_newer_than(&self, revocation: &Revocation) -> bool {
        let (Revocation::User { user, epoch, .. } | Revocation::OtherLogins { user, epoch, .. }) = revocation
        else {
            return false;
        };
        match &self.viewer {
            Some(viewer) if viewer.user == *user => viewer.epoch >= *epoch,
            _ => self.epoch >= *epoch,
        }
    }
}

/// Asks a session to end, giving the reason.
pub(crate) type Evict = Rc<dyn Fn(CloseReason, Closing)>;

/// When a session that is asked to end closes its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Now, even if a command of the client runs: it may have an effect, but no answer.
    AtOnce,
    /// After the command that runs, if any, has been answered.
    AfterCommand,
}

/// A session that wants notices.
///
/// Register **before** the last check that the token is not revoked and the user is active: a right that ends
/// after that check then finds the session here, and one that ended before is seen by the check.
pub struct Registration {
    /// The connection's id.
    pub connection: ConnectionId,
    /// The rights that the session depends on.
    pub credentials: Credentials,
    /// The endpoint that the client connected to.
    pub endpoint: Endpoint,
    /// The client's network address.
    pub address: IpAddr,
    /// When the session began.
    pub since: Timestamp,
    /// The dialect that its notices are encoded in.
    pub dialect: Dialect,
    /// The room that the connection was opened for, where its address names one: when the user's standing
    /// there ends, the session ends too.
    pub bound_room: Option<Room>,
    /// The queue for its notices.
    pub outbox: Outbox,
    /// Asks the session to end, on its own thread. Should call [`Outbox::finish`] with the endpoint's close
    /// frame, because that works even if the session's actor is stuck. The `disconnecting` notice is already
    /// in the outbox.
    pub evict: Evict,
    /// Shuts the socket down (both directions) through a second handle on it, for a session that did not end
    /// when asked.
    pub abort: Rc<dyn Fn()>,
    /// Its reservation in the count of the user's connections.
    pub user_permit: UserPermit,
}
