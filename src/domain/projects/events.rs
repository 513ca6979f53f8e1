//! What happens to projects, and who hears of it.

use serde::Serialize;

use crate::db::UnitOfWork;
use crate::domain::policy::ProjectRole;
use crate::events::DomainEvent;
use crate::ids::{BookingId, ProjectId, Room, UserId};

use super::Project;

/// A project was opened. Its first members hear of it among their own notices, and can join its room.
#[derive(Debug, Serialize)]
pub struct ProjectOpened<'a> {
    /// Which.
    pub project_id: ProjectId,
    /// By which booking.
    pub booking_id: Option<BookingId>,
    /// What it is called.
    pub title: &'a str,
    /// Who hears of it; each knows who they are.
    #[serde(skip)]
    pub members: Vec<UserId>,
}

impl DomainEvent for ProjectOpened<'_> {
    fn kind(&self) -> &'static str {
        "project.opened"
    }

    fn rooms(&self) -> Vec<Room> {
        self.members.iter().copied().map(Room::User).collect()
    }
}

/// What happened to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// They are one now.
    Added,
    /// They may do more than before, or less.
    RoleChanged,
    /// They are none any more.
    Removed,
}

/// The members of a project changed. All of them hear of it, and whom it concerns among their own notices too: they
/// may not be in the room yet, or any more.
#[derive(Debug, Serialize)]
pub struct MemberChanged<'a> {
    project_id: ProjectId,
    title: &'a str,
    user_id: UserId,
    /// What they may do from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<ProjectRole>,
    /// The project's.
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

/// Announces what became of a member of a project, which is given as it is then.
pub(super) fn announce(
    uow: &mut UnitOfWork<'_>,
    by: UserId,
    change: Change,
    project: &Project,
    user: UserId,
) {
    let fact = MemberChanged {
        project_id: project.id,
        title: project.title.as_str(),
        user_id: user,
        role: project.member(user).map(|member| member.role),
        version: project.version,
        change,
    };
    uow.record(Some(by), &fact);
}
