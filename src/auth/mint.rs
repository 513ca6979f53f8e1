//! Tokens minted without a password (`souk token`, the demo): for callers who may run commands on the
//! server's data.

use std::time::Duration;

use crate::db::DbError;
use crate::domain::users::logins::{self, Device, Lifetimes};
use crate::domain::users::{self, Email};

use super::Auth;
use super::token::own::Minting;

/// An access token without a refresh token. It belongs to a login of its own, which the user can list and
/// end.
#[derive(Debug)]
pub struct Minted {
    /// The signed token, as sent in `Authorization: Bearer`.
    pub access_token: String,
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No user has this address, or they are suspended.
    #[error("there is no active user {0}")]
    NoSuchUser(Email),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The token could not be signed.
    #[error("cannot sign the token: {0}")]
    Signing(String),
}

impl Auth {
    /// Mints a token for the user with this address, valid for `ttl`, or for the configured access-token
    /// lifetime.
    pub async fn mint(&self, email: &Email, ttl: Option<Duration>) -> Result<Minted, MintError> {
        self.mint_on(Device::new(Some("souk token"), None), email, ttl).await
    }

    /// As [`Auth::mint`], for this device; its address counts as one the user has signed in from.
    pub(crate) async fn mint_on(
        &self,
        device: Device,
        email: &Email,
        ttl: Option<Duration>,
    ) -> Result<Minted, MintError> {
        let ttl = ttl.unwrap_or(self.access_ttl);
        let lifetimes = Lifetimes { idle: ttl, max: ttl };
        let address = email.clone();
        let opened = self
            .db
            .write(move |uow| {
                let Some(user) = users::repository::find_by_email(uow, &address)? else { return Ok(None) };
                logins::service::open(uow, user.id, &device, &lifetimes, None)
            })
            .await?;
        let Some((user, login)) = opened else { return Err(MintError::NoSuchUser(email.clone())) };
        let (now, expires_at, jti) = (login.created_at, login.expires_at, self.new_jti());
        let access_token = self
            .own
            .mint(&Minting { user: &user, jti: &jti, login: login.id, now, expires_at })
            .map_err(|error| MintError::Signing(error.to_string()))?;
        Ok(Minted { access_token })
    }
}
