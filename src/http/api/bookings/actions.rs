//! State transitions of bookings.

use actix_web::{HttpResponse, post, put};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::bookings::{self, Booking};
use crate::domain::policy::Scope;
use crate::domain::requests::Reason;
use crate::http::input::ReasonInput;
use crate::http::{Body, Id, IdempotentCall, MaybeBody, Problem, Reply};
use crate::ids::BookingId;

use super::BookingView;

/// Why a booking is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CancelBooking {
    /// 1 to 500 characters; the other side sees it.
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
}

impl CancelBooking {
    fn parse(self) -> Result<Option<Reason>, Error> {
        let reason = self.reason.as_deref().map(Reason::parse).transpose();
        reason.map_err(|error| Error::invalid("reason", error))
    }
}

async fn take(
    call: IdempotentCall,
    step: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<Booking, Error> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        let booking = step(uow, scope)?;
        Ok(Reply::ok(&BookingView::of(scope, &booking))?.etag(booking.version))
    })
    .await
}

/// Start the work.
#[utoipa::path(responses((status = 200, body = BookingView)))]
#[post("/bookings/{id}/start")]
pub(super) async fn start(Id(id): Id<BookingId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| bookings::start(uow, scope, id)).await
}

/// Mark the work as done.
#[utoipa::path(responses((status = 200, body = BookingView)))]
#[post("/bookings/{id}/complete")]
pub(super) async fn complete(Id(id): Id<BookingId>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| bookings::complete(uow, scope, id)).await
}

/// The same, at the path that older clients use.
#[utoipa::path(operation_id = "completeBookingByPut", responses((status = 200, body = BookingView)))]
#[put("/bookings/{id}/complete")]
pub(super) async fn put_complete(
    Id(id): Id<BookingId>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    take(call, move |uow, scope| bookings::complete(uow, scope, id)).await
}

/// Cancel a booking. Its offer is voided. Its request is open again if the work has not started, and cancelled otherwise.
#[utoipa::path(request_body = Option<CancelBooking>, responses((status = 200, body = BookingView)))]
#[post("/bookings/{id}/cancel")]
pub(super) async fn cancel(
    Id(id): Id<BookingId>,
    MaybeBody(body): MaybeBody<CancelBooking>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.map_or(Ok(None), CancelBooking::parse)?;
    take(call, move |uow, scope| bookings::cancel(uow, scope, id, reason.as_ref())).await
}

/// The same, at the path that older clients use.
#[utoipa::path(
    operation_id = "cancelBookingByPut",
    request_body = Option<CancelBooking>,
    responses((status = 200, body = BookingView))
)]
#[put("/bookings/{id}/cancel")]
pub(super) async fn put_cancel(
    Id(id): Id<BookingId>,
    MaybeBody(body): MaybeBody<CancelBooking>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.map_or(Ok(None), CancelBooking::parse)?;
    take(call, move |uow, scope| bookings::cancel(uow, scope, id, reason.as_ref())).await
}

/// Cancel a booking for both parties (admins).
#[utoipa::path(request_body = ReasonInput, responses((status = 200, body = BookingView)))]
#[post("/bookings/{id}/force_cancel")]
pub(super) async fn force_cancel(
    Id(id): Id<BookingId>,
    Body(body): Body<ReasonInput>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let reason = body.parse()?;
    take(call, move |uow, scope| bookings::force_cancel(uow, scope, id, &reason)).await
}
