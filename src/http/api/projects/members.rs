//! `/projects/{id}/members/{user_id}`: the members of a project and their roles.

use actix_web::{HttpResponse, delete, put};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::Error;
use crate::domain::policy::ProjectRole;
use crate::domain::projects::{self, Change, Member};
use crate::http::{Body, Fields, IdempotentCall, Ids, IfMatch, Problem, Reply};
use crate::ids::{ProjectId, UserId};

use super::ProjectView;

/// What a member may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetMember {
    /// `viewer` looks, `editor` plans, `owner` says who is a member.
    #[schema(value_type = ProjectRole)]
    role: String,
}

impl SetMember {
    fn parse(self) -> Result<ProjectRole, Error> {
        let mut fields = Fields::default();
        let role = fields.take("role", self.role.parse::<ProjectRole>());
        fields.finish(role)
    }
}

/// Make somebody a member, or give a member another role (owners).
#[utoipa::path(
    params(IfMatch),
    request_body = SetMember,
    responses((status = 200, body = ProjectView), (status = 201, body = ProjectView, description = "a member more"))
)]
#[put("/projects/{id}/members/{user_id}")]
pub(super) async fn set(
    Ids(id, user): Ids<ProjectId, UserId>,
    Body(body): Body<SetMember>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let role = body.parse()?;
    call.run(move |uow, scope| {
        let (project, change) = projects::set_member(uow, scope, id, seen, Member { user, role })?;
        let view = ProjectView::read(uow, scope, &project)?;
        let reply = match change {
            Some(Change::Added) => Reply::created(format!("/projects/{id}"), &view)?,
            Some(Change::RoleChanged | Change::Removed) | None => Reply::ok(&view)?,
        };
        Ok(reply.etag(project.version))
    })
    .await
}

/// Take a member out (owners), or leave yourself. Whoever is live in the project's room then is not any more.
#[utoipa::path(
    operation_id = "removeProjectMember",
    params(IfMatch),
    responses((status = 204, description = "they are no member any more"))
)]
#[delete("/projects/{id}/members/{user_id}")]
pub(super) async fn remove(
    Ids(id, user): Ids<ProjectId, UserId>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        projects::remove_member(uow, scope, id, seen, user)?;
        Ok(Reply::no_content())
    })
    .await
}
