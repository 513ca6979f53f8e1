//! Going out: logout, revocation, and where somebody is signed in.

use crate::domain::policy::Scope;
use crate::domain::users::logins;
use crate::domain::{Error, Page, Slice};
use crate::ids::{CallId, LoginId};

use super::authenticate::Proven;
use super::refresh::RefreshToken;
use super::{Auth, AuthError};

impl Auth {
    /// Ends the login by which the caller calls.
    pub async fn log_out(&self, scope: &Scope) -> Result<(), Error> {
        let scope = scope.clone();
        self.db.write(move |uow| logins::service::end_own(uow, &scope)).await
    }

    /// Makes a token void, whichever kind it is. One that is not ours, or void already, is fine (RFC 7009, section 2.2).
    pub async fn revoke(&self, token: &str, call: CallId) -> Result<(), AuthError> {
        if let Some(refresh) = RefreshToken::parse(token) {
            let hash = refresh.hash();
            self.db.write(move |uow| logins::service::end_by_refresh(uow, &hash, call)).await?;
            return Ok(());
        }
        let (issuer, jti, until) = match self.prove(token).await {
            Ok(Proven::Own(own)) => (None, own.jti, own.expires_at),
            Ok(Proven::Outside(outside)) => (Some(outside.issuer), outside.jti, outside.expires_at),
            Err(error @ (AuthError::Overloaded { .. } | AuthError::Internal(_))) => return Err(error),
            Err(_) => return Ok(()),
        };
        self.db.write(move |uow| logins::service::revoke_token(uow, issuer.clone(), &jti, until)).await?;
        Ok(())
    }

    /// The caller's live logins, newest first.
    pub async fn logins(
        &self,
        scope: &Scope,
        page: Page<LoginId>,
    ) -> Result<Slice<logins::Login, LoginId>, Error> {
        let (scope, lifetimes) = (scope.clone(), self.lifetimes);
        self.db.read(move |uow| logins::service::list(uow, &scope, &lifetimes, &page)).await
    }
}
