//! `/projects/{id}/invitations` for owners, and `/invitations` for the invited.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::policy::ProjectRole;
use crate::domain::projects::invitations::{self, Invitation, InvitationSecret, NewInvitation, Wanted};
use crate::http::{Body, Id, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{InvitationId, ProjectId, UserId};

use super::ProjectView;

/// A new invitation, and the secret of its link.
#[derive(Serialize, ToSchema)]
struct CreatedInvitation {
    #[serde(flatten)]
    invitation: Invitation,
    /// Whoever shows it to `POST /invitations/accept` becomes a member. Shown once; null if a user is
    /// invited.
    secret: Option<String>,
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateInvitation {
    /// A user; whoever holds the link if absent.
    user_id: Option<UserId>,
    #[schema(value_type = ProjectRole)]
    role: String,
    /// Seconds until it expires; a week if absent.
    #[schema(minimum = 60, maximum = 2592000)]
    expires_in: Option<u32>,
}

/// Invite a user, or whoever holds a link, to a project (owners). Single use.
#[utoipa::path(request_body = CreateInvitation, responses((status = 201, body = CreatedInvitation)))]
#[post("/projects/{id}/invitations")]
pub(super) async fn create(
    Id(project): Id<ProjectId>,
    Body(body): Body<CreateInvitation>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let secret = match body.user_id {
        Some(_) => None,
        None => Some(InvitationSecret::generate().map_err(|error| {
            log::error!("no randomness for an invitation: {error}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault; it has been logged")
        })?),
    };
    let hash = secret.as_ref().map(InvitationSecret::hash);
    let new = NewInvitation::parse(body.user_id, hash, &body.role, body.expires_in)?;
    // Sealed, because the reply that is kept has the secret.
    call.run_private(move |uow, _, scope| {
        let invitation = invitations::create(uow, scope, project, &new)?;
        let secret = secret.as_ref().map(|secret| secret.as_str().to_owned());
        Reply::created(format!("/projects/{project}/invitations"), &CreatedInvitation { invitation, secret })
    })
    .await
}

/// The invitations to a project, newest first (owners).
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<Invitation>)))]
#[get("/projects/{id}/invitations")]
pub(super) async fn list(
    call: ReadCall,
    Id(project): Id<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| Reply::ok(&Paged::of(invitations::list(uow, scope, project, page)?))).await
}

/// Revoke an invitation that was not accepted yet (owners).
#[utoipa::path(
    operation_id = "revokeProjectInvitation",
    responses((status = 200, body = Invitation))
)]
#[delete("/projects/{id}/invitations/{invitation_id}")]
pub(super) async fn revoke(
    Ids(project, id): Ids<ProjectId, InvitationId>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| Reply::ok(&invitations::revoke(uow, scope, project, id)?)).await
}

/// Your open invitations, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<Invitation>)))]
#[get("/invitations")]
pub(super) async fn of_caller(
    call: ReadCall,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| Reply::ok(&Paged::of(invitations::of_caller(uow, scope, page)?))).await
}

/// The secret of an invitation link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInvitation {
    #[schema(max_length = 100)]
    secret: String,
}

/// Accept an invitation by the secret of its link: you become a member.
#[utoipa::path(
    operation_id = "acceptInvitationLink",
    request_body = AcceptInvitation,
    responses((status = 200, body = ProjectView))
)]
#[post("/invitations/accept")]
pub(super) async fn accept_by_secret(
    Body(body): Body<AcceptInvitation>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    run_accept(call, Wanted::BySecret(InvitationSecret::hash_of(&body.secret))).await
}

/// Accept an invitation of yours: you become a member.
#[utoipa::path(responses((status = 200, body = ProjectView)))]
#[post("/invitations/{id}/accept")]
pub(super) async fn accept(Id(id): Id<InvitationId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    run_accept(call, Wanted::Named(id)).await
}

async fn run_accept(call: IdempotentCall, wanted: Wanted) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let project = invitations::accept(uow, scope, &wanted)?;
        Ok(Reply::ok(&ProjectView::read(uow, scope, &project)?)?.etag(project.version))
    })
    .await
}

/// Decline an invitation of yours.
#[utoipa::path(responses((status = 200, body = Invitation)))]
#[post("/invitations/{id}/decline")]
pub(super) async fn decline(Id(id): Id<InvitationId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| Reply::ok(&invitations::decline(uow, scope, id)?)).await
}
