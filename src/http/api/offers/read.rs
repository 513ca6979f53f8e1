//! Reading offers.

use actix_web::{HttpResponse, get};

use crate::domain::offers::{self, OfferFilter, State};
use crate::http::{Id, Paged, Problem, Query, ReadCall, Reply, StateQuery, UserStateQuery};
use crate::ids::{OfferId, RequestId};

use super::OfferView;

/// The offers on a request, newest first: all of them for its owner, your own as a provider.
#[utoipa::path(params(StateQuery<State>), responses((status = 200, body = Paged<OfferView>)))]
#[get("/requests/{id}/offers")]
pub(super) async fn of_request(
    call: ReadCall,
    Id(id): Id<RequestId>,
    Query(query): Query<StateQuery<State>>,
) -> Result<HttpResponse, Problem> {
    let (state, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = offers::of_request(uow, scope, id, &OfferFilter { state, user: None }, page)?;
        Reply::ok(&Paged::of(slice.map(|offer| OfferView::of(scope, &offer))))
    })
    .await
}

/// The offers that you made or received, newest first; all for an admin.
#[utoipa::path(params(UserStateQuery<State>), responses((status = 200, body = Paged<OfferView>)))]
#[get("/offers")]
pub(super) async fn list(
    call: ReadCall,
    Query(query): Query<UserStateQuery<State>>,
) -> Result<HttpResponse, Problem> {
    let asked = query.parse(call.app())?;
    let filter = OfferFilter { state: asked.state, user: asked.user };
    call.read(move |uow, scope| {
        let slice = offers::list(uow, scope, &filter, asked.page)?;
        Reply::ok(&Paged::of(slice.map(|offer| OfferView::of(scope, &offer))))
    })
    .await
}

/// An offer.
#[utoipa::path(responses((status = 200, body = OfferView)))]
#[get("/offers/{id}")]
pub(super) async fn get_one(call: ReadCall, Id(id): Id<OfferId>) -> Result<HttpResponse, Problem> {
    call.read_current(move |uow, scope| {
        let offer = offers::find(uow, scope, id)?;
        Ok(Reply::ok(&OfferView::of(scope, &offer))?.etag(offer.version))
    })
    .await
}
