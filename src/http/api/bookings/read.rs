//! Reading bookings.

use actix_web::{HttpResponse, get};

use crate::domain::bookings::{self, BookingFilter, State};
use crate::http::{Id, Paged, Problem, Query, ReadCall, Reply, UserStateQuery};
use crate::ids::BookingId;

use super::BookingView;

/// The bookings that you are a party of, newest first; all for an admin.
#[utoipa::path(params(UserStateQuery<State>), responses((status = 200, body = Paged<BookingView>)))]
#[get("/bookings")]
pub(super) async fn list(
    call: ReadCall,
    Query(query): Query<UserStateQuery<State>>,
) -> Result<HttpResponse, Problem> {
    let asked = query.parse(call.app())?;
    let filter = BookingFilter { state: asked.state, user: asked.user };
    call.read(move |uow, scope| {
        let slice = bookings::list(uow, scope, &filter, asked.page)?;
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
