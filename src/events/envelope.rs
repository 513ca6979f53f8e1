//! Domain events, revocations, and the envelopes that carry them.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, Room, Seq, TokenId, UserId};

/// Something that happened in the marketplace, named in the past tense. Implemented in each noun's
/// `events.rs`.
pub trait DomainEvent: serde::Serialize {
    /// `<noun>.<past verb>`, such as `offer.accepted`, as clients see it.
    fn kind(&self) -> &'static str;

    /// The rooms whose members get the event, besides the admins' room.
    fn rooms(&self) -> Vec<Room>;

    /// Whether the admins' room gets it too. Private content (chat, journals) returns `false`.
    fn for_admins(&self) -> bool {
        true
    }
}

/// An event as it is stored in the log of its room and delivered to the room's members.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Envelope {
    /// The room that the event was appended to.
    pub room: Room,
    /// Position of the event in that room.
    pub seq: Seq,
    /// `<noun>.<past verb>`, such as `offer.accepted`.
    pub kind: Arc<str>,
    /// The user who caused it; `None` for what the system did.
    pub by: Option<UserId>,
    /// When it happened.
    pub at: Timestamp,
    /// The payload as JSON, encoded once.
    pub data: Arc<RawValue>,
}

/// A right that ended. Live sessions and memberships that depend on it must end at once, on every node: the
/// serialized form is what nodes read of each other in the table `commits`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "right", rename_all = "snake_case")]
pub enum Revocation {
    /// One access token was revoked.
    Token {
        /// Issuer of the token; `None` for our own.
        issuer: Option<Arc<str>>,
        /// The token's `jti` claim.
        jti: TokenId,
        /// Why the token ended.
        reason: RevocationReason,
    },
    /// All tokens of one of our logins were revoked.
    Login {
        /// The login's `sid`.
        sid: LoginId,
        /// Why the login ended.
        reason: RevocationReason,
    },
    /// All logins of a user were revoked except one.
    OtherLogins {
        /// The user whose other logins ended.
        user: UserId,
        /// The user's `token_epoch` since then. A session that was authenticated with it is a newer one and
        /// stays, since another node may hear of this revocation later than of the new login.
        epoch: Timestamp,
        /// The `sid` of the login that stays valid.
        kept: LoginId,
        /// Why they ended.
        reason: RevocationReason,
    },
    /// All rights of a user were revoked.
    User {
        /// The user whose rights ended.
        user: UserId,
        /// The user's `token_epoch` since then; as in [`Revocation::OtherLogins`].
        epoch: Timestamp,
        /// Why they ended.
        reason: RevocationReason,
    },
    /// One connection must end; its user's rights are unchanged.
    Connection {
        /// The connection.
        connection: ConnectionId,
        /// Why it must end.
        reason: RevocationReason,
    },
    /// A user lost the standing in one room.
    Membership {
        /// The user who may no longer be a member.
        user: UserId,
        /// The room concerned.
        room: Room,
        /// Position of the event that tells of it, if there is one: who was let in when the log had it has got
        /// the standing back, and stays. Set when the unit of work ends.
        seq: Option<Seq>,
        /// Why the membership ended.
        reason: RevocationReason,
    },
}

impl Revocation {
    /// Tells every process that a user's row has changed although no right ended: what is known of the user must be
    /// read anew. Every session is newer than its epoch and stays, also where an older version reads it.
    pub(crate) fn of_nothing(user: UserId) -> Self {
        Self::User { user, epoch: Timestamp::EPOCH, reason: RevocationReason::Revoked }
    }
}

/// The cause of a [`Revocation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// The token was revoked or the user logged out.
    Revoked,
    /// The user was suspended.
    Deactivated,
    /// The user's role has changed; a new token carries the new one.
    RoleChanged,
    /// An admin closed the connection.
    ClosedByAdmin,
    /// The standing that allowed the membership is gone (booking cancelled, member removed).
    NoStanding,
    /// The same client has connected again.
    Replaced,
}

/// What one committed unit of work must publish.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Committed {
    /// Events in the order they were appended.
    pub events: Vec<Envelope>,
    /// Rights that ended, in the order in which they were recorded.
    pub revocations: Vec<Revocation>,
}

impl Committed {
    /// Whether there is nothing to publish.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.revocations.is_empty()
    }
}

/// Receives what was committed. Called by the writers right after a commit: in commit order on SQLite,
/// possibly from several threads at once on PostgreSQL. Must not block. Events that it cannot take must be
/// caught up from the event log.
pub trait Publisher: Send + Sync + 'static {
    /// Publishes what was committed.
    fn publish(&self, committed: Committed);

    /// Handles what may have been committed: the database was lost before it confirmed the commit. Rights
    /// that may have ended must be treated as ended; events must be looked up in the log.
    fn publish_if_committed(&self, uncertain: Committed);
}

/// Publishes nothing: for commands that run without a hub (`souk migrate`).
impl Publisher for () {
    fn publish(&self, _: Committed) {}
    fn publish_if_committed(&self, _: Committed) {}
}
