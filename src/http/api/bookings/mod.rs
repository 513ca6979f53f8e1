//! `/bookings`: bookings, which are created by accepting offers.

mod read;
mod actions;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::bookings::{Booking, State};
use crate::domain::money::Money;
use crate::domain::place::Address;
use crate::domain::policy::{Scope, allowed_actions};
use crate::domain::requests::Title;
use crate::domain::slot::Slot;
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::steps;
use crate::ids::{BookingId, ConsumerId, OfferId, ProjectId, ProviderId, RequestId, SessionId, UserId};

/// All routes under `/bookings`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(read::list)
        .service(read::get_one)
        .service(actions::start)
        .service(actions::complete)
        .service(actions::put_complete)
        .service(actions::cancel)
        .service(actions::put_cancel)
        .service(actions::force_cancel);
}

/// A booking.
#[derive(Serialize, ToSchema)]
#[schema(as = Booking)]
pub(super) struct BookingView {
    id: BookingId,
    offer_id: OfferId,
    request_id: RequestId,
    /// The request's title.
    title: Title,
    consumer_id: ConsumerId,
    provider_id: ProviderId,
    /// The consumer's user id.
    consumer_user_id: UserId,
    /// The provider's user id.
    provider_user_id: UserId,
    price: Money,
    slot: Slot,
    /// The street address.
    address: Option<Address>,
    state: State,
    /// The user who marked the work as done.
    completed_by: Option<UserId>,
    /// The user who cancelled it.
    cancelled_by: Option<UserId>,
    cancel_reason: Option<String>,
    /// The chat session about it.
    session_id: SessionId,
    /// The project in which the work is planned.
    project_id: Option<ProjectId>,
    /// What you may do with it.
    #[schema(schema_with = steps::<Booking>)]
    allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl BookingView {
    pub(super) fn of(scope: &Scope, booking: &Booking) -> Self {
        Self {
            id: booking.id,
            offer_id: booking.offer_id,
            request_id: booking.request_id,
            title: booking.title.clone(),
            consumer_id: booking.consumer_id,
            provider_id: booking.provider_id,
            consumer_user_id: booking.consumer_user_id,
            provider_user_id: booking.provider_user_id,
            price: booking.price,
            slot: booking.slot,
            address: booking.address.clone(),
            state: booking.state,
            completed_by: booking.completed_by,
            cancelled_by: booking.cancelled_by,
            cancel_reason: booking.cancel_reason.clone(),
            session_id: booking.session_id,
            project_id: booking.project_id,
            allowed_actions: allowed_actions(scope, booking),
            version: booking.version,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
        }
    }
}
