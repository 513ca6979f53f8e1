//! Use cases of users: registering, provisioning, and administration.

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{
    Authorized, Explanation, Need, Right, Scope, audit_action, authorize, authorize_admin, explain_right,
};
use crate::domain::{Error, Kind, Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::ids::UserId;

use super::{
    Account, CHANGE_PLAN, CHANGE_ROLE, ExternalUser, LOG_OUT, LOG_OUT_EVERYWHERE, Plan, REINSTATE, Reason,
    Registration, Role, SEE, SUSPEND, User, logins, repository, suspension,
};

/// The right to list users.
const LIST: Right = Right::look(Kind::User, "list", Need::Admin);
/// The right to add a user of any role.
const ADD: Right = Right::change(Kind::User, "add", Need::Admin);

/// Creates a user with a password, and the profile that their role needs.
pub fn register(uow: &mut UnitOfWork<'_>, registration: &Registration) -> Result<User, Error> {
    let user = User {
        email: registration.email.as_str().to_owned(),
        display_name: registration.display_name.as_str().to_owned(),
        role: registration.role,
        plan: registration.plan,
        ..nobody(uow.now())
    };
    repository::insert(uow, &user, Some(&registration.password_hash))?;
    repository::ensure_profile(uow, &user)?;
    Ok(user)
}

/// Creates a user of any role, as an admin.
pub(crate) fn add(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    registration: &Registration,
) -> Result<User, Error> {
    authorize_admin(uow, scope, ADD, None)?;
    let user = register(uow, registration)?;
    audit_action(uow, scope, &user, ADD, Some(user.role.as_str()))?;
    Ok(user)
}

/// The user of an identity at an external issuer; created at the first token.
///
/// An email address that belongs to another user is not taken over, even if the issuer has verified it:
/// whoever controls an issuer would then control every account. Such a user gets a placeholder address that
/// receives no mail.
pub(crate) fn provision(uow: &mut UnitOfWork<'_>, newcomer: &ExternalUser) -> Result<User, Error> {
    if let Some(known) = repository::find_by_identity(uow, &newcomer.issuer, &newcomer.subject)? {
        return Ok(known);
    }
    let free = match &newcomer.email {
        Some(email) if repository::find_by_email(uow, email)?.is_none() => Some(email.as_str().to_owned()),
        _ => None,
    };
    let blank = nobody(uow.now());
    let local = newcomer.email.as_ref().map(|email| email.local_part().to_owned());
    let user = User {
        email: free.unwrap_or_else(|| format!("{}@users.invalid", blank.id)),
        issuer: Some(newcomer.issuer.clone()),
        clerk_id: Some(newcomer.subject.clone()),
        display_name: match &newcomer.display_name {
            Some(name) => name.as_str().to_owned(),
            None => local.unwrap_or_else(|| newcomer.role.to_string()),
        },
        role: newcomer.role,
        ..blank
    };
    repository::insert(uow, &user, None)?;
    repository::ensure_profile(uow, &user)?;
    Ok(user)
}

fn nobody(now: Timestamp) -> User {
    User {
        id: UserId::new(now),
        email: String::new(),
        issuer: None,
        clerk_id: None,
        display_name: String::new(),
        role: Role::Consumer,
        plan: Plan::Free,
        is_active: true,
        token_epoch: Timestamp::EPOCH,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The caller's own account.
pub(crate) fn me(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Account, Error> {
    let user = repository::find(uow, scope.user())?.ok_or(Error::NotFound(Kind::User))?;
    Ok(repository::account(uow, user)?)
}

/// Any user's account, as an admin.
pub(crate) fn see(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId) -> Result<Account, Error> {
    let user = authorized(uow, scope, id, SEE)?.into_row();
    Ok(repository::account(uow, user)?)
}

/// Why this caller may or may not do this with the account; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    Ok(explain_right(scope, &current(uow, id)?, action))
}

/// Users whose email contains this text and who have this role, newest first; for admins.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    part: Option<&str>,
    role: Option<Role>,
    page: &Page<UserId>,
) -> Result<Slice<User, UserId>, Error> {
    authorize_admin(uow, scope, LIST, None)?;
    // Stored addresses are case-folded.
    let part = part.map(str::to_lowercase);
    Ok(page.slice(repository::list(uow, part.as_deref(), role, page)?, |user| user.id))
}

/// Suspends a user: their logins and live sessions end with the commit, their open requests are closed, and their
/// live offers lapse. Bookings stay as they are.
pub fn suspend(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId, reason: &Reason) -> Result<User, Error> {
    let user = authorized(uow, scope, id, SUSPEND)?;
    if user.is_active {
        let has_left = suspension::leave_market(uow, id)?;
        spare_the_last_admin(uow, &user)?;
        let epoch = user.next_epoch(uow.now());
        repository::set_active(uow, &user, false, epoch)?;
        if has_left {
            // On PostgreSQL that waited for what the user was making meanwhile, which can be seen from now on. Requests
            // are locked after their user here: a deadlock is rare, and one of the two runs again.
            suspension::leave_market(uow, id)?;
        }
        end_everything(uow, id, epoch, RevocationReason::Deactivated)?;
        audit_action(uow, scope, &*user, SUSPEND, Some(reason.as_str()))?;
    } else {
        // That commit may have been lost on its way to the hub.
        let epoch = user.token_epoch;
        uow.end(Revocation::User { user: id, epoch, reason: RevocationReason::Deactivated });
    }
    current(uow, id)
}

/// Reinstates a user, who must log in again. What the suspension closed stays closed.
pub fn reinstate(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    reason: Option<&Reason>,
) -> Result<User, Error> {
    let user = authorized(uow, scope, id, REINSTATE)?;
    if !user.is_active {
        let epoch = user.next_epoch(uow.now());
        repository::set_active(uow, &user, true, epoch)?;
        audit_action(uow, scope, &*user, REINSTATE, reason.map(Reason::as_str))?;
    }
    current(uow, id)
}

/// Changes a user's role. Their logins end, since their tokens carry the old one.
pub fn change_role(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    role: Role,
    seen: Option<i64>,
) -> Result<User, Error> {
    let user = authorized(uow, scope, id, CHANGE_ROLE)?;
    Error::if_stale(Kind::User, user.version, seen)?;
    if user.role != role {
        spare_the_last_admin(uow, &user)?;
        let epoch = user.next_epoch(uow.now());
        repository::set_role(uow, &user, role, epoch)?;
        end_everything(uow, id, epoch, RevocationReason::RoleChanged)?;
        audit_action(uow, scope, &*user, CHANGE_ROLE, Some(&format!("{} to {role}", user.role)))?;
        let changed = current(uow, id)?;
        repository::ensure_profile(uow, &changed)?;
    }
    current(uow, id)
}

/// Changes a user's plan. Live sessions continue and get the new limits with their next refresh.
pub fn change_plan(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    plan: Plan,
    seen: Option<i64>,
) -> Result<User, Error> {
    let user = authorized(uow, scope, id, CHANGE_PLAN)?;
    Error::if_stale(Kind::User, user.version, seen)?;
    if user.plan != plan {
        repository::set_plan(uow, &user, plan)?;
        uow.end(Revocation::of_nothing(id));
        audit_action(uow, scope, &*user, CHANGE_PLAN, Some(&format!("{} to {plan}", user.plan)))?;
    }
    current(uow, id)
}

/// Ends all logins of a user: refresh tokens and the tokens that external issuers signed before now are void,
/// and live sessions close.
pub fn log_out(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId) -> Result<(), Error> {
    let user = authorized(uow, scope, id, LOG_OUT)?;
    end_all_logins(uow, scope, &user, LOG_OUT)
}

/// Ends all logins of the caller.
pub(crate) fn log_out_everywhere(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    let user = authorized(uow, scope, scope.user(), LOG_OUT_EVERYWHERE)?;
    end_all_logins(uow, scope, &user, LOG_OUT_EVERYWHERE)
}

/// Ends all logins of the caller but the one of this call.
///
/// Sessions at an external issuer end too unless the call's own is one of them: a token's time of issue does
/// not tell which session it belongs to.
pub(crate) fn log_out_elsewhere(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    let user = authorized(uow, scope, scope.user(), LOG_OUT_EVERYWHERE)?;
    let Some(kept) = scope.login() else {
        let detail = "the token that you show hangs on no login that could be kept";
        return Err(Error::Taken { code: "no_login", detail });
    };
    let epoch = user.next_epoch(uow.now());
    if scope.issuer().is_none() {
        repository::set_epoch(uow, &user, epoch)?;
    }
    logins::repository::revoke_all_but(uow, user.id, kept)?;
    uow.end(Revocation::OtherLogins { user: user.id, epoch, kept, reason: RevocationReason::Revoked });
    audit_action(uow, scope, &*user, LOG_OUT_EVERYWHERE, Some("but here"))
}

fn end_all_logins(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    user: &Authorized<User>,
    right: Right,
) -> Result<(), Error> {
    let epoch = user.next_epoch(uow.now());
    repository::set_epoch(uow, user, epoch)?;
    end_everything(uow, user.id, epoch, RevocationReason::Revoked)?;
    audit_action(uow, scope, &**user, right, None)
}

/// Refuses to remove the last active admin: nobody could reinstate anyone afterwards.
fn spare_the_last_admin(uow: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    if user.role == Role::Admin
        && user.is_active
        && repository::lock_active_admins(uow)?.iter().all(|admin| *admin == user.id)
    {
        return Err(Error::Taken { code: "last_admin", detail: "this is the last active admin" });
    }
    Ok(())
}

fn authorized(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    right: Right,
) -> Result<Authorized<User>, Error> {
    let user = current(uow, id)?;
    authorize(uow, scope, user, right)
}

fn current(uow: &mut UnitOfWork<'_>, id: UserId) -> Result<User, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::User))
}

fn end_everything(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    epoch: Timestamp,
    reason: RevocationReason,
) -> Result<(), DbError> {
    logins::repository::revoke_all(uow, user)?;
    uow.end(Revocation::User { user, epoch, reason });
    Ok(())
}
