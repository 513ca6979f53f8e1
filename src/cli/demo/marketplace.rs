//! The sample marketplace of `souk demo` as data: its users, and the ids of what they created. It is created
//! through the same use cases that clients call, never with raw SQL, so that it cannot contain an impossible
//! state.

use super::users::Person;
use crate::ids::{BookingId, OfferId, ProjectId, RequestId, SessionId};

/// The users, and the ids of the sample data.
#[derive(Debug, serde::Serialize)]
pub(super) struct Demo {
    /// All users, in a fixed order.
    pub(crate) users: Vec<Person>,
    /// A request whose consumer has not accepted an offer yet.
    pub(crate) open_request: OpenRequest,
    /// A booking, created by accepting an offer.
    pub(crate) booking: Booked,
}

/// A request with offers.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenRequest {
    /// The request's id.
    pub(crate) id: RequestId,
    /// Its live offers, oldest first.
    pub(crate) offers: Vec<OpenOffer>,
}

/// An offer that can be accepted.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenOffer {
    /// The offer's id.
    pub(crate) id: OfferId,
    /// Its version, which accepting it must name.
    pub(crate) version: i64,
    /// The chat session of its provider and the consumer.
    pub(crate) session_id: SessionId,
}

/// A booking and what was created with it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Booked {
    /// The booking's id.
    pub(crate) id: BookingId,
    /// The request that it fulfils.
    pub(crate) request_id: RequestId,
    /// The accepted offer.
    pub(crate) offer_id: OfferId,
    /// The chat session of its parties.
    pub(crate) session_id: SessionId,
    /// The project of the booking.
    pub(crate) project_id: Option<ProjectId>,
}
