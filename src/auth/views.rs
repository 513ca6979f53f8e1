//! Views: tokens by which an admin sees the marketplace as somebody else does.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::policy::Scope;
use crate::domain::users::{Reason, views};
use crate::ids::{TokenId, UserId};

use super::token::own::ViewMinting;
use super::{Auth, SignInError};

/// The token of a view. It is no login: it is not refreshed, nor listed among the logins of anybody.
#[derive(Debug)]
pub(crate) struct ViewToken {
    /// The signed token.
    pub(crate) access_token: String,
    /// Its `jti`.
    pub(crate) id: TokenId,
    /// Who is viewed.
    pub(crate) user: UserId,
    /// When it expires.
    pub(crate) expires_at: Timestamp,
    /// Until then.
    pub(crate) expires_in: Duration,
}

impl Auth {
    /// Begins a view as this user, for an admin.
    pub(crate) async fn view_as(
        &self,
        scope: &Scope,
        user: UserId,
        reason: Reason,
    ) -> Result<ViewToken, SignInError> {
        let (scope, jti) = (scope.clone(), self.new_jti());
        let token = jti.clone();
        let view = self.db.write(move |uow| views::begin(uow, &scope, user, &token, &reason)).await?;
        let now = self.clock.now();
        let access_token = self
            .own
            .mint_view(&ViewMinting { view: &view, jti: &jti, now })
            .map_err(|error| SignInError::Internal(error.to_string()))?;
        let (expires_at, expires_in) = (view.expires_at, view.expires_at.since(now));
        Ok(ViewToken { access_token, id: jti, user, expires_at, expires_in })
    }
}
