//! Reading bookings.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::domain::bookings::{self, BookingFilter, State};
use crate::domain::{Error, Page};
use crate::http::{Fields, Id, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::BookingId;

use super::BookingView;

/// Which bookings, and which page.
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
    fn parse(self, app: &App) -> Result<(BookingFilter, Page<BookingId>), Error> {
        let mut fields = Fields::default();
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<State>()));
        let filter = fields.finish(state.map(|state| BookingFilter { state }))?;
        Ok((filter, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// The bookings that you are a party of, newest first; all for an admin.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<BookingView>)))]
#[get("/bookings")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = bookings::list(uow, scope, &filter, page)?;
        Reply::ok(&Paged::of(slice.map(|booking| BookingView::of(scope, &booking))))
    })
    .await
}

/// A booking.
#[utoipa::path(responses((status = 200, body = BookingView), (status = 304)))]
#[get("/bookings/{id}")]
pub(super) async fn get_one(call: ReadCall, Id(id): Id<BookingId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let booking = bookings::find(uow, scope, id)?;
        Ok(Reply::ok(&BookingView::of(scope, &booking))?.etag(booking.version))
    })
    .await
}
