//! Whether the token of a caller is still good, for work that goes on after the call that was authenticated.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::Scope;
use crate::domain::users;

use super::{Revoked, TokenRecord, repository};

/// Whether the caller's user is active, and neither token nor login was revoked since they were checked.
/// Expiry does not count: what was begun in time may end later.
pub(crate) fn is_still_valid(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<bool, DbError> {
    match (scope.issuer(), scope.login()) {
        (Some(issuer), _) => is_outside_token_valid(uow, scope, issuer),
        (None, Some(login)) => {
            let shown = repository::shown(uow, login, scope.token())?;
            Ok(shown.is_some_and(|shown| is_good(&shown, scope)))
        }
        (None, None) => Ok(false),
    }
}

fn is_good(shown: &TokenRecord, scope: &Scope) -> bool {
    let is_withdrawn = shown.pair.is_some_and(|pair| pair.withdrawn_at.is_some());
    let is_revoked = shown.is_revoked || is_withdrawn || shown.login.revoked_at.is_some();
    shown.user.is_active && shown.user.role == scope.role() && !is_revoked
}

fn is_outside_token_valid(uow: &mut UnitOfWork<'_>, scope: &Scope, issuer: &str) -> Result<bool, DbError> {
    if repository::is_revoked(uow, issuer, Revoked::Token, &scope.token().0)? {
        return Ok(false);
    }
    if let Some(session) = scope.outside_session()
        && repository::is_revoked(uow, issuer, Revoked::Session, session)?
    {
        return Ok(false);
    }
    let user = users::repository::find(uow, scope.user())?;
    Ok(user.is_some_and(|user| user.is_active && user.token_epoch <= scope.token_epoch()))
}
