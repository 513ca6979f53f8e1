//! Projects: kanban boards and who works on them. A booking opens one for its two parties; anybody may open another.
//!
//! Both parties of a booking stay owners of its project: the board is theirs alike, and neither may be shut out of it by
//! the other's choice of members. Every project keeps an owner. Columns, and moving tasks between them, come later.

mod events;
mod members;
mod repository;
mod service;
pub mod tasks;

pub use events::{Change, MemberChanged, ProjectOpened};
pub use members::{remove_member, set_member};
pub use service::{NewProject, create, find, list, names, open_for_booking};

use crate::clock::Timestamp;
use crate::domain::policy::{Need, ProjectRole, Resource, Right, Rights, Scope, Standing, allowed_changes};
use crate::domain::text::SingleLine;
use crate::domain::{Error, Kind};
use crate::ids::{BookingId, ProjectId, Room, UserId};

/// What a project is called.
pub type ProjectTitle = SingleLine<120>;

/// Most members of a project: a bound on what one reading of it brings.
pub const MOST_MEMBERS: usize = 100;

/// A project and its members.
#[derive(Clone, Debug)]
pub struct Project {
    /// Primary key; also names the room.
    pub id: ProjectId,
    /// The booking that opened it.
    pub booking_id: Option<BookingId>,
    /// The two sides of that booking.
    pub parties: Option<[UserId; 2]>,
    /// Whose deed it was: for a booking, the consumer who accepted.
    pub created_by: UserId,
    /// What it is called.
    pub title: ProjectTitle,
    /// Grows with each change of the project or its members.
    pub version: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
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

impl Project {
    /// Where its board is heard.
    pub fn room(&self) -> Room {
        Room::Project(self.id)
    }

    /// What this caller may do with it.
    pub fn allowed_actions(&self, scope: &Scope) -> Vec<&'static str> {
        let may_leave =
            self.member(scope.user()).is_some_and(|member| self.check_is_dispensable(member).is_ok());
        let mut actions = allowed_changes(scope, self);
        actions.retain(|action| *action != LEAVE.action || may_leave);
        actions
    }

    fn member(&self, user: UserId) -> Option<Member> {
        self.members.iter().copied().find(|member| member.user == user)
    }

    /// Whether the project can do without this member, or with less of them.
    fn check_is_dispensable(&self, member: Member) -> Result<(), Error> {
        if self.parties.is_some_and(|parties| parties.contains(&member.user)) {
            let detail = "both parties of a booking stay owners of its project";
            return Err(Error::Taken { code: "party_of_booking", detail });
        }
        let is_owner = |member: &Member| member.role == ProjectRole::Owner;
        if is_owner(&member) && self.members.iter().filter(|member| is_owner(member)).count() == 1 {
            let detail = "a project keeps an owner: make somebody else one first";
            return Err(Error::Taken { code: "last_owner", detail });
        }
        Ok(())
    }
}

impl Resource for Project {
    const KIND: Kind = Kind::Project;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        self.member(scope.user()).map_or(Standing::Stranger, |member| Standing::Member(member.role))
    }
}

const READ: Right = Right::look(Kind::Project, "read", Need::Member(ProjectRole::Viewer));
/// To put tasks on the board.
const PLAN: Right = Right::change(Kind::Project, "plan", Need::Member(ProjectRole::Editor));
/// To say who is a member, and as what.
const STAFF: Right = Right::change(Kind::Project, "staff", Need::Member(ProjectRole::Owner));
const LEAVE: Right = Right::change(Kind::Project, "leave", Need::Member(ProjectRole::Viewer));

impl Rights for Project {
    const RIGHTS: &'static [Right] = &[READ, PLAN, STAFF, LEAVE];
}

/// Not among the rights on a project: there is none yet, and whoever opens it is its owner.
const CREATE: Right = Right::change(Kind::Project, "create", Need::Member(ProjectRole::Owner));
