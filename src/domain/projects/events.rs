//! Domain events of projects and their members. They go to the project's room and to the users concerned.

use serde::Serialize;

use crate::db::UnitOfWork;
use crate::domain::policy::ProjectRole;
use crate::events::DomainEvent;
use crate::ids::{BookingId, ProjectId, Room, UserId};

use super::Project;

/// A project was opened. Its first members get it in their user rooms, and may join the project's room.
#[derive(Debug, Serialize)]
pub(crate) struct ProjectOpened<'a> {
    /// The new project.
    pub(crate) project_id: ProjectId,
    /// The booking that opened it, if one did.
    pub(crate) booking_id: Option<BookingId>,
    /// The project's title.
    pub(crate) title: &'a str,
    /// The first members, who receive the event.
    #[serde(skip)]
    pub(crate) members: Vec<UserId>,
}

impl DomainEvent for ProjectOpened<'_> {
    fn kind(&self) -> &'static str {
        "project.opened"
    }

    fn rooms(&self) -> Vec<Room> {
        self.members.iter().copied().map(Room::User).collect()
    }
}

/// How a membership changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The user became a member.
    Added,
    /// The member's role changed.
    RoleChanged,
    /// The user is no longer a member.
    Removed,
}

/// A membership changed. Goes to the project's room, and to the user room of the member concerned, who may
/// not be in the project's room yet, or no longer.
#[derive(Debug, Serialize)]
pub(crate) struct MemberChanged<'a> {
    project_id: ProjectId,
    title: &'a str,
    user_id: UserId,
    /// The role from now on; `None` if removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<ProjectRole>,
    /// Of the project, after the change.
    version: i64,
    #[serde(skip)]
    change: Change,
}

impl DomainEvent for MemberChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Added => "member.added",
            Change::RoleChanged => "member.role_changed",
            Change::Removed => "member.removed",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Project(self.project_id), Room::User(self.user_id)]
    }
}

/// Records a membership event; `project` is given as it is after the change.
pub(super) fn announce(
    uow: &mut UnitOfWork<'_>,
    by: UserId,
    change: Change,
    project: &Project,
    user: UserId,
) {
    let event = MemberChanged {
        project_id: project.id,
        title: project.title.as_str(),
        user_id: user,
        role: project.member(user).map(|member| member.role),
        version: project.version,
        change,
    };
    uow.record(Some(by), &event);
}
