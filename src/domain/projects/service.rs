//! Use cases of projects: opening, reading, listing. Membership is in `members.rs`, tasks in `tasks`.

use std::collections::HashMap;

use crate::db::UnitOfWork;
use crate::domain::policy::{
    Authorized, Explanation, ProjectRole, Scope, authorize, by_system, explain_right,
};
use crate::domain::{Error, Page, Slice};
use crate::ids::{BookingId, ProjectId, UserId};

use super::{CREATE, Member, PLAN, Project, ProjectOpened, ProjectTitle, READ, repository};

/// A project to open for a booking.
#[derive(Clone, Debug)]
pub(crate) struct NewProject {
    /// The booking.
    pub(crate) booking_id: BookingId,
    /// The consumer's user, who accepted the offer.
    pub(crate) consumer_user: UserId,
    /// The provider's user.
    pub(crate) provider_user: UserId,
    /// The request's title.
    pub(crate) title: ProjectTitle,
}

/// Opens the project of a booking with both parties as owners, or returns the existing one.
///
/// A step of accepting an offer, on which the caller was authorized.
pub(crate) fn open_for_booking(uow: &mut UnitOfWork<'_>, new: &NewProject) -> Result<Project, Error> {
    if let Some(known) = repository::of_booking(uow, new.booking_id)? {
        return Ok(known);
    }
    let parties = [new.consumer_user, new.provider_user];
    let project = Project {
        booking_id: Some(new.booking_id),
        parties: Some(parties),
        ..owned(uow, new.consumer_user, &parties, &new.title)
    };
    open(uow, by_system(project))
}

/// Creates a project with the caller as its owner and only member.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    title: &ProjectTitle,
) -> Result<Project, Error> {
    let project = owned(uow, scope.user(), &[scope.user()], title);
    let project = authorize(uow, scope, project, CREATE)?;
    open(uow, project)
}

/// The project, for its members and admins.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
) -> Result<Authorized<Project>, Error> {
    let project = repository::find(uow, id)?;
    authorize(uow, scope, project, READ)
}

/// Why this caller may or may not do this with the project; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProjectId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    Ok(explain_right(scope, &repository::find(uow, id)?, action))
}

/// Whether the caller may change the board.
pub(crate) fn check_may_plan(uow: &mut UnitOfWork<'_>, scope: &Scope, id: ProjectId) -> Result<(), Error> {
    let project = repository::find(uow, id)?;
    authorize(uow, scope, project, PLAN).map(drop)
}

/// The projects of which the caller is a member, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<ProjectId>,
) -> Result<Slice<Project, ProjectId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |project| project.id))
}

/// Display names of the members of projects that the caller may read: one query, however many projects.
pub(crate) fn names(
    uow: &mut UnitOfWork<'_>,
    projects: &[Project],
) -> Result<HashMap<UserId, String>, Error> {
    let members = projects.iter().flat_map(|project| &project.members);
    let mut users: Vec<UserId> = members.map(|member| member.user).collect();
    users.sort_unstable();
    users.dedup();
    Ok(repository::names(uow, users)?)
}

fn owned(uow: &UnitOfWork<'_>, by: UserId, owners: &[UserId], title: &ProjectTitle) -> Project {
    let now = uow.now();
    Project {
        id: ProjectId::new(now),
        booking_id: None,
        parties: None,
        created_by: by,
        title: title.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
        members: owners.iter().map(|user| Member { user: *user, role: ProjectRole::Owner }).collect(),
    }
}

fn open(uow: &mut UnitOfWork<'_>, project: Authorized<Project>) -> Result<Project, Error> {
    repository::insert(uow, &project)?;
    let event = ProjectOpened {
        project_id: project.id,
        booking_id: project.booking_id,
        title: project.title.as_str(),
        members: project.members.iter().map(|member| member.user).collect(),
    };
    uow.record(Some(project.created_by), &event);
    Ok(project.into_row())
}
