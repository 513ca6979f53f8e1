//! The claims of outside tokens: the rules they must meet (`docs/protocol.md`, section 1), and what is taken
//! from them.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::OutsideToken;
use super::config::{AbsentParty, Entry};
use crate::auth::error::{AuthError, TokenRefusal};
use crate::auth::token::{Audience, Lifetime, NumericDate};
use crate::clock::Timestamp;
use crate::domain::users::Role;
use crate::ids::{LoginId, TokenId};

/// The claims of an outside token that are read. `unsafe_metadata` is not one of them: users write that
/// themselves.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: Option<String>,
    sid: Option<String>,
    jti: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    aud: Option<Audience>,
    azp: Option<String>,
    sts: Option<String>,
    act: Option<Actor>,
    email: Option<String>,
    email_verified: Option<bool>,
    name: Option<String>,
    public_metadata: Option<Metadata>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    role: Option<String>,
}

/// `act` (RFC 8693, section 4.1). Its presence counts, even if it does not name the actor.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Actor {
    Named { sub: String },
    Unnamed(IgnoredAny),
}

/// The issuer's claims about a user beyond the subject: used once, when the user is created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The e-mail address, unless the issuer says that it is not verified.
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    /// From `public_metadata.role` or `metadata.role`, if it is one of our roles.
    pub(crate) role: Option<Role>,
}

impl Claims {
    /// Applies the issuer entry's rules; the signature was checked before.
    pub(super) fn accept(
        self,
        entry: &Entry,
        now: Timestamp,
        leeway: Duration,
    ) -> Result<OutsideToken, AuthError> {
        let lifetime = Lifetime { exp: self.exp, nbf: self.nbf, iat: self.iat };
        let expires_at = lifetime.check(now, leeway, leeway)?;
        if !entry.audiences.is_empty() && !self.aud.is_some_and(|aud| aud.names_any(&entry.audiences)) {
            return Err(TokenRefusal::Audience.into());
        }
        check_party(self.azp.as_deref(), entry)?;
        if self.sts.as_deref() == Some("pending") {
            return Err(TokenRefusal::Pending.into());
        }
        let subject = self.sub.filter(|sub| !sub.is_empty()).ok_or(AuthError::NoSubject)?;
        let iss = &*entry.iss;
        let session: Option<Arc<str>> = self.sid.filter(|sid| !sid.is_empty()).map(Arc::from);
        let issued_at = self.iat.map(|NumericDate(at)| at);
        Ok(OutsideToken {
            jti: token_id(iss, self.jti.as_deref(), &subject, issued_at),
            login: session.as_deref().map(|sid| login_id(iss, sid)),
            session,
            issuer: entry.iss.clone(),
            subject,
            issued_at,
            expires_at,
            actor: self.act.map(|act| match act {
                Actor::Named { sub } => sub,
                Actor::Unnamed(_) => "unnamed".to_owned(),
            }),
            profile: Profile {
                email: self.email.filter(|_| self.email_verified != Some(false)),
                name: self.name,
                role: role(self.public_metadata).or_else(|| role(self.metadata)),
            },
            provisioning: entry.provisioning,
        })
    }
}

fn check_party(azp: Option<&str>, entry: &Entry) -> Result<(), TokenRefusal> {
    let allowed = match azp {
        _ if entry.authorized_parties.is_empty() => true,
        Some(party) => entry.authorized_parties.iter().any(|known| known == party),
        None => entry.absent_party == AbsentParty::NativeClient,
    };
    if allowed { Ok(()) } else { Err(TokenRefusal::AuthorizedParty) }
}

fn role(metadata: Option<Metadata>) -> Option<Role> {
    metadata?.role?.parse().ok()
}

/// A `jti` is unique within its issuer only, so `iss` is part of the id. Without a `jti`, subject and `iat`
/// name the token.
fn token_id(iss: &str, jti: Option<&str>, subject: &str, issued_at: Option<Timestamp>) -> TokenId {
    TokenId(match (jti, issued_at) {
        (Some(jti), _) => format!("{iss} {jti}"),
        (None, Some(at)) => format!("{iss} {subject} {at}"),
        (None, None) => format!("{iss} {subject}"),
    })
}

/// Maps an outside session to a login id: a UUID derived from issuer and session alone (version 8, RFC 9562,
/// section 5.8), so that outside sessions and our own logins are revoked and ended in the same way.
fn login_id(iss: &str, sid: &str) -> LoginId {
    let mut hash = Sha256::new();
    hash.update((iss.len() as u64).to_be_bytes());
    hash.update(iss);
    hash.update(sid);
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    LoginId::of_outside_session(bytes)
}
