//! Logins: one per sign-in on a device, with the family of refresh tokens that descend from it, and
//! revocations. Verifying tokens is `auth`'s.

pub(crate) mod repository;
mod rotation;
pub(crate) mod service;
mod validity;

pub(crate) use rotation::{Rotation, rotate};
pub(crate) use validity::{is_still_valid, may_still_view};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::text_enum;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::ids::{LoginId, TokenId, UserId};

use super::User;

/// Minimum interval between updates of `last_used_at`: precise enough for a list of devices, and most reads
/// stay free of writes.
pub(crate) const NOTED_EVERY: Duration = Duration::from_secs(5 * 60);

/// A login on one device.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub(crate) struct Login {
    /// The `sid` of its access tokens.
    pub(crate) id: LoginId,
    /// The user who logged in.
    pub(crate) user_id: UserId,
    /// `User-Agent` of the device.
    pub(crate) user_agent: Option<String>,
    /// Address of the device at the login or the last refresh.
    pub(crate) address: Option<String>,
    /// Time of the login.
    pub(crate) created_at: Timestamp,
    /// Time of the last use, accurate to [`NOTED_EVERY`].
    pub(crate) last_used_at: Timestamp,
    /// Absolute expiry, independent of use.
    pub(crate) expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// The device that a login comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    /// Truncated `User-Agent`.
    user_agent: Option<String>,
    address: Option<IpAddr>,
}

impl Device {
    /// A device from its `User-Agent` and address.
    pub(crate) fn new(user_agent: Option<&str>, address: Option<IpAddr>) -> Self {
        let readable = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Self { user_agent: user_agent.map(readable).filter(|text| !text.is_empty()), address }
    }

    /// The device's address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// Lifetimes of logins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// Maximum time without use.
    pub(crate) idle: Duration,
    /// Maximum time in total.
    pub(crate) max: Duration,
}

/// An access and a refresh token about to be issued together.
#[derive(Clone, Debug)]
pub(crate) struct NewPair {
    /// Hash of the refresh token.
    pub(crate) hash: String,
    /// `jti` of the access token.
    pub(crate) jti: TokenId,
}

/// What the database knows of one of our access tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenRecord {
    /// The token's user.
    pub(crate) user: User,
    /// The token's login.
    pub(crate) login: Login,
    /// The pair it was issued in; `None` for one minted on the command line.
    pub(crate) pair: Option<Pair>,
    /// Whether this token was revoked by itself.
    pub(crate) is_revoked: bool,
}

/// State of a token pair, as far as its access token is concerned.
#[derive(Clone, Copy, Debug, diesel::Queryable)]
pub(crate) struct Pair {
    /// When its access token was first used.
    pub(crate) access_used_at: Option<Timestamp>,
    /// When it was withdrawn, because the response that carried it was lost.
    pub(crate) withdrawn_at: Option<Timestamp>,
}

/// A token to revoke.
#[derive(Clone, Debug)]
pub(crate) enum RevocationTarget {
    /// An access token.
    Access {
        /// Issuer; `None` for our own.
        issuer: Option<Arc<str>>,
        /// `jti` of the token.
        jti: TokenId,
        /// `exp` of the token, if known.
        until: Option<Timestamp>,
    },
    /// A refresh token.
    Refresh {
        /// Hash of the refresh token.
        hash: String,
    },
}

text_enum! {
    /// What kind of value a revocation names.
    pub(crate) enum Revoked {
        /// A single token.
        Token = "jti",
        /// A session of an external issuer.
        Session = "sid",
    }
}

impl Resource for Login {
    const KIND: Kind = Kind::Login;
    /// Admins may suspend a user, but a user's list of devices is private.
    const ADMIN_PASSES: bool = false;
    const IS_PRIVATE: bool = true;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if self.user_id == scope.user() { Standing::Owner } else { Standing::Stranger }
    }
}

/// The right to end a login.
pub(super) const END: Right = Right::change(Kind::Login, "end", Need::Owner);

impl Rights for Login {
    const RIGHTS: &'static [Right] = &[END];
}
