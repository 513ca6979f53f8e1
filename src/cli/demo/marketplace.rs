//! The sample marketplace of `souk demo` as data: its users, and the ids of what they created. It is created
//! through the same use cases that clients call, never with raw SQL, so that it cannot contain an impossible
//! state.

use super::users::Person;
use crate::ids::{BookingId, OfferId, ProjectId, RequestId, SessionId};

/// The users, and the ids of the sample data.
#[derive(Debug, serde::Serialize)]
pub(super) struct Demo {
    /// All users, in a fixed order.
    pub users: Vec<Person>,
    /// A request whose consumer has not accepted an offer yet.
    pub open_request: OpenRequest,
    /// A booking, created by accepting an offer.
    pub booking: Booked,
}

/// A request with offers.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenRequest {
    /// The request's id.
    pub id: RequestId,
    /// Its live offers, oldest first.
    pub offers: Vec<OpenOffer>,
}

/// An offer that can be accepted.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenOffer {
    /// The offer's id.
    pub id: OfferId,
    /// Its version, which accepting it must name.
    pub version: i64,
    /// The chat session of its provider and the consumer.
    pub session_id: SessionId,
}

/// A booking and what was created with it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Booked {
    /// The booking's id.
    pub id: BookingId,
    /// The request that it fulfils.
    pub request_id: RequestId,
    /// The accepted offer.
    pub offer_id: OfferId,
    /// The chat session of its parties.
    pub session_id: SessionId,
    /// The project of the booking.
    pub project_id: Option<ProjectId>,
}
