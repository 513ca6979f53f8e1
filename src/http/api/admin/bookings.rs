//! `/admin/bookings`: bookings that may need an admin.

use actix_web::{HttpResponse, get};

use crate::domain::bookings::{self, BookingFilter, State};
use crate::http::api::bookings::BookingView;
use crate::http::{Paged, Problem, Query, ReadCall, Reply, StateQuery};

/// The bookings of which a party is suspended, newest first.
///
/// A suspension closes the user's requests and offers and leaves their bookings as they are.
#[utoipa::path(
    operation_id = "listBookingsOfSuspended",
    params(StateQuery<State>),
    responses((status = 200, body = Paged<BookingView>))
)]
#[get("/admin/bookings")]
pub(super) async fn list(
    call: ReadCall,
    Query(query): Query<StateQuery<State>>,
) -> Result<HttpResponse, Problem> {
    let (state, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = bookings::list_of_suspended(uow, scope, &BookingFilter { state, user: None }, page)?;
        Reply::ok(&Paged::of(slice.map(|booking| BookingView::of(scope, &booking))))
    })
    .await
}
