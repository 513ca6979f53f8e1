//! Use cases around users: how they come, and how admins keep them out.

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Right, Scope, authorize};
use crate::domain::{Error, Kind};
use crate::events::{EndReason, Ending};
use crate::ids::UserId;

use super::{
    Account, CHANGE_ROLE, Newcomer, Plan, REINSTATE, Registration, Role, SUSPEND, User, logins, repository,
};

/// Adds a user with a password, and the profile that their role needs.
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

/// The user for whom an outside issuer vouches; made now if this is the first sight of them.
///
/// An address that belongs to somebody else already is not taken over, however sure the issuer is of it: whoever
/// controls an issuer would control every account then. Such a user gets an address that no mail reaches.
pub fn provision(uow: &mut UnitOfWork<'_>, newcomer: &Newcomer) -> Result<User, Error> {
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

/// Who the caller is, and what is theirs.
pub fn me(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Account, Error> {
    let user = repository::find(uow, scope.user())?.ok_or(Error::NotFound(Kind::User))?;
    Ok(repository::account(uow, user)?)
}

/// Keeps somebody out: their logins and live sessions end with the commit.
pub fn suspend(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId) -> Result<User, Error> {
    let user = other(uow, scope, id, SUSPEND)?;
    if user.is_active {
        let now = uow.now();
        repository::set_active(uow, &user, false, now)?;
        end_everything(uow, id, EndReason::Deactivated)?;
    }
    current(uow, id)
}

/// Lets somebody in again. They log in anew.
pub fn reinstate(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId) -> Result<User, Error> {
    let user = other(uow, scope, id, REINSTATE)?;
    if !user.is_active {
        let now = uow.now();
        repository::set_active(uow, &user, true, now)?;
    }
    current(uow, id)
}

/// Moves somebody to another side of the marketplace. Their logins end, since their tokens speak of the old one.
pub fn change_role(uow: &mut UnitOfWork<'_>, scope: &Scope, id: UserId, role: Role) -> Result<User, Error> {
    let user = other(uow, scope, id, CHANGE_ROLE)?;
    if user.role != role {
        let now = uow.now();
        repository::set_role(uow, &user, role, now)?;
        end_everything(uow, id, EndReason::RoleChanged)?;
        let changed = current(uow, id)?;
        repository::ensure_profile(uow, &changed)?;
    }
    current(uow, id)
}

/// An admin acts on others: one who could lock out themselves would sooner or later be the last.
fn other(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: UserId,
    right: Right,
) -> Result<Authorized<User>, Error> {
    let user = current(uow, id)?;
    let user = authorize(uow, scope, user, right)?;
    if user.id == scope.user() {
        return Err(Error::Taken { code: "own_account", detail: "admins cannot do this to themselves" });
    }
    Ok(user)
}

fn current(uow: &mut UnitOfWork<'_>, id: UserId) -> Result<User, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::User))
}

fn end_everything(uow: &mut UnitOfWork<'_>, user: UserId, reason: EndReason) -> Result<(), DbError> {
    logins::repository::revoke_all(uow, user)?;
    uow.end(Ending::User { user, reason });
    Ok(())
}
