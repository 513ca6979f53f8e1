//! The sample marketplace of `souk demo`: a cast of people and the story so far, told through the same use cases that
//! clients call. Never raw SQL: what cannot happen in the marketplace cannot happen here.

use super::users::Person;
use crate::ids::{BookingId, OfferId, ProjectId, RequestId, SessionId};

/// Everybody, and where the story stands.
#[derive(Debug, serde::Serialize)]
pub(super) struct Demo {
    /// In order of appearance.
    pub users: Vec<Person>,
    /// A request that waits for its consumer to choose.
    pub open_request: OpenRequest,
    /// Work that is agreed upon.
    pub booking: Booked,
}

/// A request with offers.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenRequest {
    /// The request.
    pub id: RequestId,
    /// Its offers, the first one first, with the version that accepting must name.
    pub offers: Vec<OpenOffer>,
}

/// An offer that can be accepted.
#[derive(Debug, serde::Serialize)]
pub(super) struct OpenOffer {
    /// The offer.
    pub id: OfferId,
    /// Its version.
    pub version: i64,
    /// Where its provider and the consumer talk.
    pub session_id: SessionId,
}

/// A booking and what came with it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Booked {
    /// The booking.
    pub id: BookingId,
    /// From which request.
    pub request_id: RequestId,
    /// By which offer.
    pub offer_id: OfferId,
    /// Where its parties talk.
    pub session_id: SessionId,
    /// Where they plan the work.
    pub project_id: Option<ProjectId>,
}
