//! Views: an admin sees the marketplace as somebody else does, with a token that only reads.
//!
//! No row is kept of a view but those of the audit trail. Its token says what it depends on: the user, the admin, and
//! the admin's own token. It is checked against their rows like any other, and can be revoked like any other.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Scope, Viewer, audit_action, authorize};
use crate::domain::{Error, Kind};
use crate::ids::{TokenId, UserId};

use super::logins::{self, Revoked};
use super::{Plan, Reason, Role, User, VIEW_AS, repository};

/// How long a view lasts at most.
pub(crate) const LASTS: Duration = Duration::from_secs(15 * 60);

/// A view that has begun.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Who is viewed.
    pub(crate) user: User,
    /// Who views.
    pub(crate) viewer: Viewer,
    /// When it ends: before the admin's login does.
    pub(crate) expires_at: Timestamp,
}

/// Begins a view as this user, as an admin, and audits it with its reason. `token` is the `jti` that the view's token
/// will have.
pub(crate) fn begin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    token: &TokenId,
    reason: &Reason,
) -> Result<View, Error> {
    let user = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::User))?;
    let user = authorize(uow, scope, user, VIEW_AS)?;
    check_may_be_viewed(scope, &user)?;
    let by_then = uow.now().plus(LASTS);
    let own = match (scope.issuer(), scope.login()) {
        (None, Some(login)) => logins::repository::find(uow, login)?,
        _ => None,
    };
    let expires_at = own.map_or(by_then, |login| by_then.min(login.expires_at));
    audit_action(uow, scope, &*user, VIEW_AS, Some(&format!("{} (token {})", reason.as_str(), token.0)))?;
    let viewer = Viewer {
        user: scope.user(),
        name: scope.user().to_string(),
        issuer: scope.issuer().cloned(),
        token: scope.token().clone(),
        login: scope.login(),
        outside_session: scope.outside_session().cloned(),
        token_epoch: scope.token_epoch(),
    };
    Ok(View { user: user.into_row(), viewer, expires_at })
}

fn check_may_be_viewed(scope: &Scope, user: &User) -> Result<(), Error> {
    let (code, detail) = if user.id == scope.user() {
        ("view_of_self", "this is you: what you see needs no token of another kind")
    } else if user.role == Role::Admin {
        ("view_of_admin", "nobody views as an admin, who would be seen to have read what somebody else did")
    } else if !user.is_active {
        ("user_suspended", "the user is suspended, and sees nothing")
    } else {
        return Ok(());
    };
    Err(Error::Taken { code, detail })
}

/// A view as the caller's token tells of it.
#[derive(Clone, Debug)]
pub(crate) struct ShownView {
    /// Who is viewed.
    pub(crate) user: UserId,
    /// The role that the user had when the view began.
    pub(crate) role: Role,
    /// `token_epoch` of the user's row when the view began.
    pub(crate) user_epoch: Timestamp,
    /// `jti` of the view's token.
    pub(crate) token: TokenId,
    /// Who views.
    pub(crate) viewer: Viewer,
}

/// The user who is viewed and the admin's plan, while the view goes on: until it is revoked, the user is suspended,
/// logged out everywhere or given another role, or the admin may no longer do with the token what began it.
pub(crate) fn check(uow: &mut UnitOfWork<'_>, shown: &ShownView) -> Result<Option<(User, Plan)>, DbError> {
    if logins::repository::is_revoked(uow, "", Revoked::Token, &shown.token.0)? {
        return Ok(None);
    }
    let user = repository::find(uow, shown.user)?;
    let user = user.filter(|user| user.is_active && user.role == shown.role && user.role != Role::Admin);
    let Some(user) = user.filter(|user| user.token_epoch <= shown.user_epoch) else { return Ok(None) };
    let admin = repository::find(uow, shown.viewer.user)?;
    let Some(admin) = admin.filter(|admin| admin.is_active && admin.role == Role::Admin) else {
        return Ok(None);
    };
    let goes_on = logins::may_still_view(uow, &shown.viewer)?;
    Ok(goes_on.then_some((user, admin.plan)))
}
