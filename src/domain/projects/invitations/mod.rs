//! Invitations to a project: of a user, or of whoever holds a link. Each is for one use, expires, and may be
//! revoked. It is worth as much as the standing of whoever gave it: once that is lost, it is void.

mod events;
mod repository;
mod secret;
mod service;

pub(crate) use secret::InvitationSecret;
pub(in crate::domain::projects) use service::revoke_of_member;
pub(crate) use service::{NewInvitation, Wanted, accept, create, decline, list, of_caller, revoke};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, ProjectRole, Resource, Right, Scope, Standing};
use crate::ids::{InvitationId, ProjectId, UserId};

/// Maximum number of open invitations of a project.
pub(crate) const MOST_OPEN: i64 = 100;

/// An invitation to a project.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable, serde::Serialize, utoipa::ToSchema)]
#[diesel(table_name = schema::project_invitations)]
pub(crate) struct Invitation {
    /// Primary key.
    pub(crate) id: InvitationId,
    /// The project.
    pub(crate) project_id: ProjectId,
    /// The owner who invites.
    pub(crate) invited_by: UserId,
    /// The invited user; null for a link.
    pub(crate) user_id: Option<UserId>,
    /// The role that the invited will have.
    pub(crate) role: ProjectRole,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// When it was accepted.
    pub(crate) used_at: Option<Timestamp>,
    /// Who accepted it.
    pub(crate) used_by: Option<UserId>,
    /// When it was revoked or declined.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// An invitation that somebody wants to use.
#[derive(Debug)]
struct Shown {
    invitation: Invitation,
    /// Whether the caller gave the link's secret.
    by_secret: bool,
}

impl Resource for Shown {
    const KIND: Kind = Kind::Invitation;
    /// Nobody is made a member by somebody else's hand.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.invitation.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let is_invited = self.by_secret || self.invitation.user_id == Some(scope.user());
        if is_invited { Standing::Public } else { Standing::Stranger }
    }
}

const ACCEPT: Right = Right::change(Kind::Invitation, "accept", Need::Public);
const DECLINE: Right = Right::change(Kind::Invitation, "decline", Need::Public);
/// Not a change, so that those who may only look may see it.
const LIST: Right = Right::look(Kind::Project, "list the invitations of", Need::Member(ProjectRole::Owner));
