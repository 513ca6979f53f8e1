//! Projects: kanban boards and their members. A booking opens one for its two parties; any user may open
//! another.
//!
//! Both parties of a booking remain owners of its project: neither may be locked out by the other's choice of
//! members. Every project keeps an owner.

pub(crate) mod board;
pub(crate) mod columns;
pub(crate) mod comments;
mod events;
pub(crate) mod invitations;
mod members;
mod repository;
mod service;
pub(crate) mod tasks;

pub(crate) use events::{Change, ProjectOpened};
pub(crate) use members::{remove_member, set_member};
pub(super) use service::explain;
pub(crate) use service::{NewProject, check_may_plan, create, find, list, names, open_for_booking};

use crate::clock::Timestamp;
use crate::domain::policy::{Need, ProjectRole, Resource, Right, Rights, Scope, Standing, allowed_changes};
use crate::domain::text::SingleLine;
use crate::domain::{Error, Kind};
use crate::ids::{BookingId, ProjectId, Room, UserId};

/// Title of a project.
pub(crate) type ProjectTitle = SingleLine<120>;

/// Maximum number of members: bounds the size of a project when read.
pub(crate) const MOST_MEMBERS: usize = 100;

/// A project with its members.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// Primary key; also names the room.
    pub(crate) id: ProjectId,
    /// The booking that opened it, if one did.
    pub(crate) booking_id: Option<BookingId>,
    /// The two parties of that booking.
    pub(crate) parties: Option<[UserId; 2]>,
    /// The creating user; for a booking, the consumer who accepted the offer.
    pub(crate) created_by: UserId,
    /// Title, initially the request's for a booking.
    pub(crate) title: ProjectTitle,
    /// Incremented by each change of the project or its members.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
    /// Its members, each with a role.
    pub(crate) members: Vec<Member>,
}

/// A member of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The member's user.
    pub(crate) user: UserId,
    /// Decides what the member may do.
    pub(crate) role: ProjectRole,
}

impl Project {
    /// The room in which the board's changes are published.
    pub(crate) fn room(&self) -> Room {
        Room::Project(self.id)
    }

    /// The actions that this caller may take on the project.
    pub(crate) fn allowed_actions(&self, scope: &Scope) -> Vec<&'static str> {
        let may_leave =
            self.member(scope.user()).is_some_and(|member| self.check_is_dispensable(member).is_ok());
        let mut actions = allowed_changes(scope, self);
        actions.retain(|action| *action != LEAVE.action || may_leave);
        actions
    }

    fn member(&self, user: UserId) -> Option<Member> {
        self.members.iter().copied().find(|member| member.user == user)
    }

    /// Refuses to remove or demote a member whom the project needs: its last owner, or a party of its
    /// booking.
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
/// The right to change the board: its columns and tasks, and to comment.
const PLAN: Right = Right::change(Kind::Project, "plan", Need::Member(ProjectRole::Editor));
/// The right to change members and their roles.
const STAFF: Right = Right::change(Kind::Project, "staff", Need::Member(ProjectRole::Owner));
const LEAVE: Right = Right::change(Kind::Project, "leave", Need::Member(ProjectRole::Viewer));

impl Rights for Project {
    const RIGHTS: &'static [Right] = &[READ, PLAN, STAFF, LEAVE];
}

/// Not in the rights table: no project exists yet, and its creator becomes the owner.
const CREATE: Right = Right::change(Kind::Project, "create", Need::Member(ProjectRole::Owner));
