//! State transitions of requests.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::domain::requests::{self, Request};
use crate::http::input::ReasonInput;
use crate::http::{Body, Id, IdempotentCall, MaybeBody, Problem, Reply};
use crate::ids::RequestId;

use super::RequestView;

/// A new expiry time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Until {
    /// At most 90 days ahead; 14 days by default.
    expires_at: Option<Timestamp>,
}

async fn take(
    call: IdempotentCall,
    step: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Request, Error> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let request = step(uow, scope)?;
        Ok(Reply::ok(&RequestView::of(scope, &request))?.etag(request.version))
    })
    .await
}

/// Publish a draft.
#[utoipa::path(request_body = Option<Until>, responses((status = 200, body = RequestView)))]
#[post("/requests/{id}/publish")]
pub(super) async fn publish(
    Id(id): Id<RequestId>,
    MaybeBody(body): MaybeBody<Until>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let until = body.and_then(|body| body.expires_at);
    take(call, move |uow, scope| requests::publish(uow, scope, id, until)).await
}

/// Extend an open request to the given time, or by 14 days.
#[utoipa::path(request_body = Option<Until>, responses((status = 200, body = RequestView)))]
#[post("/requests/{id}/extend")]
pub(super) async fn extend(
    Id(id): Id<RequestId>,
    MaybeBody(body): MaybeBody<Until>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let until = body.and_then(|body| body.expires_at);
    take(call, move |uow, scope| requests::extend(uow, scope, id, until)).await
}

/// Withdraw an open request; its live offers lapse.
#[utoipa::path(responses((status = 200, body = RequestView)))]
#[post("/requests/{id}/cancel")]
pub(super) async fn cancel(Id(id): Id<RequestId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| requests::cancel(uow, scope, id)).await
}

/// Remove a request from the market (admins).
#[utoipa::path(request_body = ReasonInput, responses((status = 200, body = RequestView)))]
#[post("/requests/{id}/remove")]
pub(super) async fn remove(
    Id(id): Id<RequestId>,
    Body(body): Body<ReasonInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    take(call, move |uow, scope| requests::remove(uow, scope, id, &reason)).await
}

/// Restore a removed request (admins).
#[utoipa::path(request_body = ReasonInput, responses((status = 200, body = RequestView)))]
#[post("/requests/{id}/restore")]
pub(super) async fn restore(
    Id(id): Id<RequestId>,
    Body(body): Body<ReasonInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    take(call, move |uow, scope| requests::restore(uow, scope, id, &reason)).await
}
