//! Reading offers.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::domain::offers::{self, OfferFilter, State};
use crate::domain::{Error, Page};
use crate::http::{Fields, Id, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{OfferId, RequestId};

use super::OfferView;

/// Which offers, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<State>)]
    state: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(OfferFilter, Page<OfferId>), Error> {
        let mut fields = Fields::default();
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<State>()));
        let filter = fields.finish(state.map(|state| OfferFilter { state }))?;
        Ok((filter, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// The offers on a request, newest first: all of them for its owner, your own as a provider.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<OfferView>)))]
#[get("/requests/{id}/offers")]
pub(super) async fn of_request(
    call: ReadCall,
    Id(id): Id<RequestId>,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = offers::of_request(uow, scope, id, &filter, page)?;
        Reply::ok(&Paged::of(slice.map(|offer| OfferView::of(scope, &offer))))
    })
    .await
}

/// The offers that you made or received, newest first; all for an admin.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<OfferView>)))]
#[get("/offers")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = offers::list(uow, scope, &filter, page)?;
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
