//! `/offers` and `/requests/{id}/offers`: providers' offers on requests.

mod read;
mod actions;
mod write;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::money::Money;
use crate::domain::offers::{Message, Offer, State};
use crate::domain::policy::{Scope, allowed_actions};
use crate::domain::slot::Slot;
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::steps;
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, SessionId, UserId};

/// All routes for offers.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(read::of_request)
        .service(write::submit)
        .service(read::list)
        .service(read::get_one)
        .service(write::revise)
        .service(actions::accept)
        .service(actions::decline)
        .service(actions::withdraw)
        .service(actions::remove);
}

/// An offer.
#[derive(Serialize, ToSchema)]
#[schema(as = Offer)]
struct OfferView {
    id: OfferId,
    request_id: RequestId,
    /// The owner.
    provider_id: ProviderId,
    /// The owner's user id.
    user_id: UserId,
    price: Money,
    message: Message,
    slot: Slot,
    /// When it expires.
    valid_until: Timestamp,
    /// The request's revision that it was made or affirmed for.
    request_revision: i64,
    /// The request was edited since: the provider must revise the offer before it can be accepted.
    is_outdated: bool,
    state: State,
    /// The chat session about it.
    session_id: SessionId,
    /// The booking, once accepted.
    booking_id: Option<BookingId>,
    /// What you may do with it.
    #[schema(schema_with = steps::<Offer>)]
    allowed_actions: Vec<&'static str>,
    /// The version that accepting must give.
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl OfferView {
    fn of(scope: &Scope, offer: &Offer) -> Self {
        let terms = offer.terms.clone();
        Self {
            id: offer.id,
            request_id: offer.request_id,
            provider_id: offer.provider_id,
            user_id: offer.user_id,
            price: terms.price,
            message: terms.message,
            slot: terms.slot,
            valid_until: terms.valid_until,
            request_revision: offer.request_revision,
            is_outdated: offer.is_outdated,
            state: offer.state,
            session_id: offer.session_id,
            booking_id: offer.booking_id,
            allowed_actions: allowed_actions(scope, offer),
            version: offer.version,
            created_at: offer.created_at,
            updated_at: offer.updated_at,
        }
    }
}
