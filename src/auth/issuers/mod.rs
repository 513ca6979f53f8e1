//! Outside issuers (Clerk and any OpenID Connect provider): which tokens are accepted, with which keys, and
//! with which rights.
//!
//! The issuer is chosen by exact `iss` among the configured ones; its entry alone determines algorithms, keys
//! and policy. A URL that a token names is never fetched.

mod claims;
mod config;
mod fetch;
mod jwks;
mod keys;

pub(crate) use config::{BadIssuers, IssuerSettings, PlainHttp, Provisioning};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::{AuthError, TokenRefusal};
use super::token::{Unverified, verified_claims};
use crate::clock::{Clock, Timestamp};
use crate::ids::{LoginId, TokenId};
use config::Entry;
use keys::Keys;

pub(crate) use claims::Profile;

/// The configured outside issuers.
#[derive(Debug)]
pub(crate) struct Issuers {
    issuers: Vec<Issuer>,
    clock: Clock,
    leeway: Duration,
}

#[derive(Debug)]
struct Issuer {
    entry: Entry,
    keys: Keys,
}

/// The content of a valid outside token, by the rules of its issuer's entry.
#[derive(Debug)]
pub(crate) struct OutsideToken {
    /// `iss`; together with `subject` it identifies the user.
    pub(crate) issuer: Arc<str>,
    /// `sub`: the user's `clerk_id`.
    pub(crate) subject: String,
    /// `jti`, qualified by the issuer.
    pub(crate) jti: TokenId,
    /// The issuer's session mapped to a login id. Revocations are stored under this id.
    pub(crate) login: Option<LoginId>,
    /// The issuer's own name for the session (`sid`).
    pub(crate) session: Option<Arc<str>>,
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    /// `act`: the actual caller, where somebody impersonates the subject. Such a token may not write.
    pub(crate) actor: Option<String>,
    /// The data for a user who is created at first sight.
    pub(crate) profile: Profile,
    pub(crate) provisioning: Provisioning,
}

impl Issuers {
    /// Without outside issuers: only our own tokens are accepted.
    pub(crate) fn none(clock: Clock) -> Self {
        Self { issuers: Vec::new(), clock, leeway: Duration::ZERO }
    }

    /// Reads the file that `SOUK_ISSUERS` names; `own_name` is the `iss` of our own tokens. Keys are fetched
    /// when the first token needs them.
    pub(crate) fn load(
        path: &Path,
        settings: &IssuerSettings,
        own_name: &str,
        clock: Clock,
    ) -> Result<Self, BadIssuers> {
        let issuers = config::read(path, settings, own_name)?
            .into_iter()
            .map(|entry| Issuer { keys: Keys::new(&entry, settings, clock.clone()), entry })
            .collect();
        Ok(Self { issuers, clock, leeway: settings.leeway })
    }

    /// Verifies the token by every rule of `docs/protocol.md`, section 1, that needs no database.
    pub(crate) async fn verify(&self, token: &Unverified<'_>) -> Result<OutsideToken, AuthError> {
        let issuer = token
            .issuer()
            .and_then(|iss| self.issuers.iter().find(|issuer| *issuer.entry.iss == *iss))
            .ok_or(TokenRefusal::Issuer)?;
        let algorithm = token.algorithm(&issuer.entry.algorithms)?;
        let key = issuer.keys.find(token.kid(), algorithm).await?;
        let claims: claims::Claims = verified_claims(token.token(), &key)?;
        claims.accept(&issuer.entry, self.clock.now(), self.leeway)
    }
}

#[cfg(test)]
mod tests;
