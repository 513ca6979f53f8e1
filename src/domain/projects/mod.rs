//! Projects: kanban boards. A booking opens one for its two parties.
//!
//! Both parties of a booking are owners: the board is theirs alike, and neither may be shut out of it by the other's
//! choice of members. Columns and tasks come later.

mod events;
mod repository;
mod service;

pub use events::ProjectOpened;
pub use service::{NewProject, find, open_for_booking};

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, ProjectRole, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::Line;
use crate::ids::{BookingId, ProjectId, UserId};

/// What a project is called.
pub type ProjectTitle = Line<120>;

/// A project and its members.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its id; also names its room.
    pub id: ProjectId,
    /// The booking that opened it.
    pub booking_id: Option<BookingId>,
    /// Whose deed it was: for a booking, the consumer who accepted.
    pub created_by: UserId,
    /// What it is called.
    pub title: ProjectTitle,
    /// Grows with each change.
    pub version: i64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Who may see and change it.
    pub members: Vec<Member>,
}

/// A member of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub role: ProjectRole,
}

impl Resource for Project {
    const KIND: Kind = Kind::Project;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let member = self.members.iter().find(|member| member.user == scope.user());
        member.map_or(Standing::Stranger, |member| Standing::Member(member.role))
    }
}

const READ: Right = Right::look(Kind::Project, "read", Need::Member(ProjectRole::Viewer));

impl Rights for Project {
    const RIGHTS: &'static [Right] = &[READ];
}
