//! Who works on a project. Each change is a version of the project, so that two owners who change its members at once
//! see each other's.

use crate::db::UnitOfWork;
use crate::domain::policy::{ProjectRole, Scope, authorize};
use crate::domain::{Error, Kind, users};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{ProjectId, UserId};

use super::events::announce;
use super::{Change, LEAVE, MOST_MEMBERS, Member, Project, STAFF, repository};

/// Makes somebody a member, or gives a member another role. Says what it changed; nothing where it is so already.
pub fn set_member(
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

/// Takes a member out of a project: an owner anybody, everybody themselves. They are not live in it from the commit on.
pub fn remove_member(
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
    let project = repository::remove(uow, project, user)?;
    announce(uow, scope.user(), Change::Removed, &project, user);
    uow.end(Revocation::Membership { user, room: project.room(), reason: RevocationReason::NoStanding });
    Ok(project)
}

/// Somebody who is suspended cannot work, and nobody needs to learn that they are there.
fn check_is_active(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(), Error> {
    let user = users::repository::find(uow, user)?;
    if user.is_some_and(|user| user.is_active) { Ok(()) } else { Err(Error::NotFound(Kind::User)) }
}
