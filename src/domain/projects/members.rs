//! Membership of projects. Each change increments the project's version, so that two owners who change
//! members concurrently do not overwrite each other.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, ProjectRole, Scope, authorize};
use crate::domain::{Error, Kind, users};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{ProjectId, UserId};

use super::events::announce;
use super::{Change, LEAVE, MOST_MEMBERS, Member, Project, STAFF, invitations, repository, tasks};

/// Adds a member or changes a member's role. Returns the change; `None` if there was nothing to change.
pub(crate) fn set_member(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
    seen: Option<i64>,
    member: Member,
) -> Result<(Project, Option<Change>), Error> {
    let project = repository::lock(uow, id)?;
    let project = authorize(uow, scope, project, STAFF)?;
    Error::if_stale(Kind::Project, project.version, seen)?;
    let (project, change) = match project.member(member.user) {
        Some(known) if known == member => return Ok((project.into_row(), None)),
        Some(known) => {
            if member.role < ProjectRole::Owner {
                project.check_is_dispensable(known)?;
            }
            (repository::set_role(uow, project, member)?, Change::RoleChanged)
        }
        None => {
            check_is_active(uow, member.user)?;
            if project.members.len() >= MOST_MEMBERS {
                let detail = "it has as many members as a project may have";
                return Err(Error::Taken { code: "project_full", detail });
            }
            (repository::add(uow, project, member)?, Change::Added)
        }
    };
    announce(uow, scope.user(), change, &project, member.user);
    Ok((project, Some(change)))
}

/// Adds the caller, who accepted an invitation.
pub(super) fn join(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: Authorized<Project>,
    member: Member,
) -> Result<Project, Error> {
    let project = repository::add(uow, project, member)?;
    announce(uow, scope.user(), Change::Added, &project, member.user);
    Ok(project)
}

/// Removes a member: owners may remove anyone, members themselves. With the commit the user's live sessions
/// leave the room, and nothing is assigned to them any more.
pub(crate) fn remove_member(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
    seen: Option<i64>,
    user: UserId,
) -> Result<Project, Error> {
    let project = repository::lock(uow, id)?;
    let right = if user == scope.user() { LEAVE } else { STAFF };
    let project = authorize(uow, scope, project, right)?;
    Error::if_stale(Kind::Project, project.version, seen)?;
    let member = project.member(user).ok_or(Error::NotFound(Kind::Member))?;
    project.check_is_dispensable(member)?;
    tasks::unassign(uow, scope.user(), &project, user)?;
    invitations::revoke_of_member(uow, scope.user(), &project, user)?;
    let project = repository::remove(uow, project, user)?;
    announce(uow, scope.user(), Change::Removed, &project, user);
    uow.end(Revocation::Membership {
        user,
        room: project.room(),
        seq: None,
        reason: RevocationReason::NoStanding,
    });
    Ok(project)
}

/// A suspended user cannot become a member; the error does not reveal that the account exists.
pub(super) fn check_is_active(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(), Error> {
    let user = users::repository::find(uow, user)?;
    if user.is_some_and(|user| user.is_active) { Ok(()) } else { Err(Error::NotFound(Kind::User)) }
}
