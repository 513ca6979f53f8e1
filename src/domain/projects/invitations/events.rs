//! Domain events of invitations. They go to the project's room and to the invited user, and never hold a
//! link's secret.

use serde::Serialize;

use crate::domain::policy::ProjectRole;
use crate::domain::projects::Project;
use crate::events::DomainEvent;
use crate::ids::{InvitationId, ProjectId, Room, UserId};

use super::Invitation;

/// What happened to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Accepted,
    Declined,
    Revoked,
}

/// Something happened to an invitation.
#[derive(Debug, Serialize)]
pub(super) struct InvitationChanged<'a> {
    invitation_id: InvitationId,
    project_id: ProjectId,
    title: &'a str,
    user_id: Option<UserId>,
    role: ProjectRole,
    #[serde(skip)]
    change: Change,
}

impl<'a> InvitationChanged<'a> {
    pub(super) fn new(change: Change, project: &'a Project, invitation: &Invitation) -> Self {
        Self {
            invitation_id: invitation.id,
            project_id: project.id,
            title: project.title.as_str(),
            user_id: invitation.user_id,
            role: invitation.role,
            change,
        }
    }
}

impl DomainEvent for InvitationChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "invitation.created",
            Change::Accepted => "invitation.accepted",
            Change::Declined => "invitation.declined",
            Change::Revoked => "invitation.revoked",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        let invited = self.user_id.map(Room::User);
        invited.into_iter().chain([Room::Project(self.project_id)]).collect()
    }
}
