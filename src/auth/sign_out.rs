//! Signing out: logout, revocation, and the list of a user's logins.

use crate::domain::policy::Scope;
use crate::domain::users::logins::{self, RevocationTarget};
use crate::domain::{Error, Page, Slice};
use crate::ids::{CallId, LoginId};

use super::authenticate::ProvenToken;
use super::refresh::RefreshToken;
use super::{Auth, AuthError, Refused};

impl Auth {
    /// Ends the caller's current login.
    pub(crate) async fn log_out(&self, scope: &Scope) -> Result<(), Error> {
        let scope = scope.clone();
        self.db.write(move |uow| logins::service::end_own(uow, &scope)).await
    }

    /// Revokes a token of either kind. One that is not ours, or is revoked already, is fine (RFC 7009,
    /// section 2.2).
    pub(crate) async fn revoke(&self, token: &str, call: CallId) -> Result<(), AuthError> {
        let targets = match self.revocation_targets(token).await {
            Ok(targets) => targets,
            Err(error) if !error.is_verdict() => return Err(error),
            Err(_) => return Ok(()),
        };
        Ok(self.db.write(move |uow| logins::service::revoke(uow, &targets, call)).await?)
    }

    /// What must be revoked to make this token void; an error if the token could not be used anyway.
    pub(crate) async fn revocation_targets(&self, token: &str) -> Result<RevocationTarget, AuthError> {
        if let Some(refresh) = RefreshToken::parse(token) {
            return Ok(RevocationTarget::Refresh { hash: refresh.hash() });
        }
        let proven = self.prove(token).await.map_err(Refused::into_error)?;
        Ok(match proven.0 {
            ProvenToken::Own(own) => {
                RevocationTarget::Access { issuer: None, jti: own.jti, until: Some(own.expires_at) }
            }
            ProvenToken::Outside(outside) => RevocationTarget::Access {
                issuer: Some(outside.issuer),
                jti: outside.jti,
                until: Some(outside.expires_at),
            },
        })
    }

    /// The caller's live logins, newest first.
    pub(crate) async fn logins(
        &self,
        scope: &Scope,
        page: Page<LoginId>,
    ) -> Result<Slice<logins::Login, LoginId>, Error> {
        let (scope, lifetimes) = (scope.clone(), self.lifetimes);
        self.db.read(move |uow| logins::service::list(uow, &scope, &lifetimes, &page)).await
    }
}
