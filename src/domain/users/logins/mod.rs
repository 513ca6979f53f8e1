//! Logins: a signing-in on a device, the family of refresh tokens that descend from it, and what ends it early.

pub mod repository;
mod rotation;
pub mod service;

pub use rotation::{Rotation, rotate};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::text_enum;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::ids::{LoginId, TokenId, UserId};

use super::User;

/// A login's last use is written down this often at most: a session list needs no more, and a read stays a read.
pub const NOTED_EVERY: Duration = Duration::from_secs(5 * 60);

/// A signing-in on a device.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct Login {
    /// The `sid` of its access tokens.
    pub id: LoginId,
    /// Whose.
    pub user_id: UserId,
    /// What the device called itself.
    pub user_agent: Option<String>,
    /// Where it called from, when it logged in or last refreshed.
    pub address: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last heard of, to within a few minutes.
    pub last_used_at: Timestamp,
    /// When it ends, whatever its use.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub revoked_at: Option<Timestamp>,
}

/// Where a login comes from.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// `User-Agent`, cut to what is worth keeping.
    user_agent: Option<String>,
    address: Option<IpAddr>,
}

impl Device {
    /// A device by what it sends.
    pub fn new(user_agent: Option<&str>, address: Option<IpAddr>) -> Self {
        let readable = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Self { user_agent: user_agent.map(readable).filter(|text| !text.is_empty()), address }
    }

    /// Where it calls from.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// How long logins live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub max: Duration,
}

/// An access and a refresh token that are about to be handed out together.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// Of the refresh token.
    pub hash: String,
    /// Of the access token.
    pub jti: TokenId,
}

/// What is known of a token of ours when it is shown.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// Whose it is.
    pub user: User,
    /// The login it hangs on.
    pub login: Login,
    /// The pair it was handed out in; `None` for one that was minted by hand.
    pub pair: Option<Pair>,
    /// It was made void by itself.
    pub is_revoked: bool,
}

/// The state of a pair of tokens, as far as showing its access token goes.
#[derive(Clone, Copy, Debug, diesel::Queryable)]
pub struct Pair {
    /// When its access token was first shown.
    pub access_used_at: Option<Timestamp>,
    /// When it was replaced because its answer was lost.
    pub withdrawn_at: Option<Timestamp>,
}

/// A token that is to be made void.
#[derive(Clone, Debug)]
pub enum RevocationTarget {
    /// One that is shown with calls.
    Access {
        /// Who issued it; `None` for us.
        issuer: Option<Arc<str>>,
        /// Its name.
        jti: TokenId,
        /// When it ends by itself, if that is known.
        until: Option<Timestamp>,
    },
    /// One that buys others.
    Refresh {
        /// Its hash.
        hash: String,
    },
}

text_enum! {
    /// What a revocation names.
    pub enum Revoked {
        /// One token.
        Token = "jti",
        /// An outside session.
        Session = "sid",
    }
}

impl Resource for Login {
    const KIND: Kind = Kind::Login;
    /// An admin suspends a user; on which devices somebody is logged in is theirs alone.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if self.user_id == scope.user() { Standing::Owner } else { Standing::Stranger }
    }
}

/// To end a login.
pub(super) const END: Right = Right::change(Kind::Login, "end", Need::Owner);

impl Rights for Login {
    const RIGHTS: &'static [Right] = &[END];
}
