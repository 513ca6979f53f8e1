//! Tokens minted by hand (`souk token`, the demo): for whoever may run commands on the server's data.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::DbError;
use crate::domain::users::logins::{self, Device, Lifetimes};
use crate::domain::users::{self, Email};

use super::Auth;
use super::token::own::Minting;

/// An access token without a refresh token. It hangs on a login of its own, which its user sees and can end.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub access_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// Nobody has this address, or they are suspended.
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
    /// A token for the user with this address, good for `ttl`; the configured time if none is given.
    pub async fn mint(&self, email: &Email, ttl: Option<Duration>) -> Result<Minted, MintError> {
        self.mint_on(Device::new(Some("souk token"), None), email, ttl).await
    }

    /// The same, for this device, from whose address the user counts as having signed in.
    pub async fn mint_on(
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
        Ok(Minted { access_token, expires_at })
    }
}
