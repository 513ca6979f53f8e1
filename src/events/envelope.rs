//! Facts and their envelopes.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{LoginId, Room, Seq, TokenId, UserId};

/// Something that happened, in the past tense. The features' `events.rs` implement it.
pub trait DomainEvent: serde::Serialize {
    /// `<noun>.<past verb>`, as clients see it.
    fn kind(&self) -> &'static str;

    /// The rooms that hear of it, besides the admins'.
    fn rooms(&self) -> Vec<Room>;

    /// Whether the admins' room hears of it too. Private matters (chat, journals) say no.
    fn for_admins(&self) -> bool {
        true
    }
}

/// An event as it stands in the log of its room and as members of the room get it.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The room that heard it.
    pub room: Room,
    /// Its position there.
    pub seq: Seq,
    /// `<noun>.<past verb>`.
    pub kind: Arc<str>,
    /// Who did it; nobody for what the system did.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// The payload, encoded once.
    pub data: Arc<RawValue>,
}

/// A right that ended: whatever live session or membership hangs on it must go at once.
#[derive(Clone, Debug)]
pub enum Revocation {
    /// One access token.
    Token {
        /// Issuer of the token; `None` for our own.
        issuer: Option<Arc<str>>,
        /// Its `jti`.
        jti: TokenId,
        /// Why.
        reason: RevocationReason,
    },
    /// All tokens of one login of ours.
    Login {
        /// Its `sid`.
        sid: LoginId,
        /// Why.
        reason: RevocationReason,
    },
    /// Everything of a user but what hangs on one login.
    OtherLogins {
        /// Whose.
        user: UserId,
        /// The `sid` of the login that stays.
        kept: LoginId,
        /// Why.
        reason: RevocationReason,
    },
    /// Everything of a user.
    User {
        /// Whose.
        user: UserId,
        /// Why.
        reason: RevocationReason,
    },
    /// A user's place in one room.
    Membership {
        /// Whose.
        user: UserId,
        /// Where.
        room: Room,
        /// Why.
        reason: RevocationReason,
    },
}

/// Why a right ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// Revoked or logged out.
    Revoked,
    /// The user was suspended.
    Deactivated,
    /// The user's role is another now; a new token says so.
    RoleChanged,
    /// Its time was over.
    Expired,
    /// The standing that let the user in is gone (booking cancelled, member removed).
    NoStanding,
}

/// What one committed unit of work has to say to the world.
#[derive(Debug, Default)]
pub struct Committed {
    /// Events in the order they were appended.
    pub events: Vec<Envelope>,
    /// Rights that ended.
    pub revocations: Vec<Revocation>,
}

impl Committed {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.revocations.is_empty()
    }
}

/// Whoever tells the world: called by the writers right after a commit, in commit order on SQLite, possibly
/// from several threads at once on PostgreSQL. Must not block, and must not lose: the log is there to catch up from.
pub trait Publisher: Send + Sync + 'static {
    /// Takes what was committed.
    fn publish(&self, committed: Committed);

    /// Takes what may have been committed: the database went away before it said so. Rights that may have ended must be
    /// taken to have ended; events are to be looked for in the log.
    fn publish_if_committed(&self, uncertain: Committed);
}

/// Says nothing to nobody: for commands that run without a hub (`souk migrate`).
impl Publisher for () {
    fn publish(&self, _: Committed) {}
    fn publish_if_committed(&self, _: Committed) {}
}
