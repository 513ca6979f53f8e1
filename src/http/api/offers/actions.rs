//! State transitions of offers.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::offers::{self, Offer};
use crate::domain::policy::Scope;
use crate::http::input::ReasonInput;
use crate::http::{Body, Id, IdempotentCall, Problem, Reply};
use crate::ids::OfferId;

use super::OfferView;

/// Which version of an offer is accepted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptOffer {
    /// The `version` of the offer that you have seen; a newer one is not accepted.
    #[schema(minimum = 1)]
    version: i64,
}

async fn take(
    call: IdempotentCall,
    step: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Offer, Error> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let offer = step(uow, scope)?;
        Ok(Reply::ok(&OfferView::of(scope, &offer))?.etag(offer.version))
    })
    .await
}

/// Accept an offer: it becomes a booking, and the request's other offers are not selected.
#[utoipa::path(request_body = AcceptOffer, responses((status = 200, body = OfferView)))]
#[post("/offers/{id}/accept")]
pub(super) async fn accept(
    Id(id): Id<OfferId>,
    Body(body): Body<AcceptOffer>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| offers::accept(uow, scope, id, body.version)).await
}

/// Reject an offer.
#[utoipa::path(responses((status = 200, body = OfferView)))]
#[post("/offers/{id}/decline")]
pub(super) async fn decline(Id(id): Id<OfferId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| offers::decline(uow, scope, id)).await
}

/// Withdraw an offer.
#[utoipa::path(responses((status = 200, body = OfferView)))]
#[post("/offers/{id}/withdraw")]
pub(super) async fn withdraw(Id(id): Id<OfferId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| offers::withdraw(uow, scope, id)).await
}

/// Remove an offer (admins).
#[utoipa::path(request_body = ReasonInput, responses((status = 200, body = OfferView)))]
#[post("/offers/{id}/remove")]
pub(super) async fn remove(
    Id(id): Id<OfferId>,
    Body(body): Body<ReasonInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    take(call, move |uow, scope| offers::remove(uow, scope, id, &reason)).await
}
