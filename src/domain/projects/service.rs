//! Use cases of projects.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, ProjectRole, Scope, authorize};
use crate::domain::{Error, Kind};
use crate::ids::{BookingId, ProjectId, UserId};

use super::{Member, Project, ProjectOpened, ProjectTitle, READ, repository};

/// A project to be opened for a booking.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// The booking.
    pub booking_id: BookingId,
    /// Its consumer, whose accepting it was.
    pub consumer_user: UserId,
    /// Its provider.
    pub provider_user: UserId,
    /// What to call it: the request's title.
    pub title: ProjectTitle,
}

/// Opens the project of a booking, with both parties as owners, or finds the one it has.
///
/// A step of accepting an offer, whose caller was authorized on it.
pub fn open_for_booking(uow: &mut UnitOfWork<'_>, new: &NewProject) -> Result<Project, Error> {
    if let Some(known) = repository::of_booking(uow, new.booking_id)? {
        return Ok(known);
    }
    let now = uow.now();
    let owner = |user| Member { user, role: ProjectRole::Owner };
    let project = Project {
        id: ProjectId::new(now),
        booking_id: Some(new.booking_id),
        created_by: new.consumer_user,
        title: new.title.clone(),
        version: 1,
        created_at: now,
        members: vec![owner(new.consumer_user), owner(new.provider_user)],
    };
    repository::insert(uow, &project)?;
    uow.record(
        Some(new.consumer_user),
        &ProjectOpened {
            project_id: project.id,
            booking_id: project.booking_id,
            title: project.title.as_str(),
            members: project.members.iter().map(|member| member.user).collect(),
        },
    );
    Ok(project)
}

/// The project, for its members and for admins.
pub fn find(uow: &mut UnitOfWork<'_>, scope: &Scope, id: ProjectId) -> Result<Authorized<Project>, Error> {
    let project = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Project))?;
    authorize(uow, scope, project, READ)
}
