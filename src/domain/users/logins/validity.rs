//! Whether the token of a caller is still good, for work that goes on after the call that was authenticated, and for
//! what else depends on it.

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Scope, Viewer};
use crate::domain::users::{self, Role};
use crate::ids::{LoginId, TokenId, UserId};

use super::{Revoked, TokenRecord, repository};

/// A token that was good when it was checked.
struct Checked<'a> {
    user: UserId,
    role: Role,
    token: &'a TokenId,
    issuer: Option<&'a str>,
    login: Option<LoginId>,
    outside_session: Option<&'a str>,
    token_epoch: Timestamp,
}

/// Whether the caller's user is active, and neither token nor login was revoked since they were checked.
/// Expiry does not count: what was begun in time may end later.
///
/// Never for a caller who views as somebody else, and may begin nothing.
pub(crate) fn is_still_valid(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<bool, DbError> {
    let checked = Checked {
        user: scope.user(),
        role: scope.role(),
        token: scope.token(),
        issuer: scope.issuer().map(|issuer| &**issuer),
        login: scope.login(),
        outside_session: scope.outside_session().map(|session| &**session),
        token_epoch: scope.token_epoch(),
    };
    holds(uow, &checked)
}

/// Whether the admin's token that a view was begun with was not revoked since, nor the login that it belongs to.
pub(crate) fn may_still_view(uow: &mut UnitOfWork<'_>, viewer: &Viewer) -> Result<bool, DbError> {
    let checked = Checked {
        user: viewer.user,
        role: Role::Admin,
        token: &viewer.token,
        issuer: viewer.issuer.as_deref(),
        login: viewer.login,
        outside_session: viewer.outside_session.as_deref(),
        token_epoch: viewer.token_epoch,
    };
    holds(uow, &checked)
}

fn holds(uow: &mut UnitOfWork<'_>, checked: &Checked<'_>) -> Result<bool, DbError> {
    match (checked.issuer, checked.login) {
        (Some(issuer), _) => is_outside_token_valid(uow, checked, issuer),
        (None, Some(login)) => {
            let shown = repository::shown(uow, login, checked.token)?;
            Ok(shown.is_some_and(|shown| is_good(&shown, checked)))
        }
        (None, None) => Ok(false),
    }
}

fn is_good(shown: &TokenRecord, checked: &Checked<'_>) -> bool {
    let is_withdrawn = shown.pair.is_some_and(|pair| pair.withdrawn_at.is_some());
    let is_revoked = shown.is_revoked || is_withdrawn || shown.login.revoked_at.is_some();
    let is_users = shown.user.id == checked.user && shown.user.role == checked.role;
    is_users && shown.user.is_active && !is_revoked
}

fn is_outside_token_valid(
    uow: &mut UnitOfWork<'_>,
    checked: &Checked<'_>,
    issuer: &str,
) -> Result<bool, DbError> {
    if repository::is_revoked(uow, issuer, Revoked::Token, &checked.token.0)? {
        return Ok(false);
    }
    if let Some(session) = checked.outside_session
        && repository::is_revoked(uow, issuer, Revoked::Session, session)?
    {
        return Ok(false);
    }
    let user = users::repository::find(uow, checked.user)?;
    Ok(user.is_some_and(|user| user.is_active && user.token_epoch <= checked.token_epoch))
}
