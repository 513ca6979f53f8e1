//! The sample marketplace of `souk demo`: a cast of people and the story so far, told through the same use cases that
//! clients call. Never raw SQL: what cannot happen in the marketplace cannot happen here.

mod cast;
mod story;
mod tell;

pub use cast::{Owned, Person};
pub use tell::{as_json, as_text};

use crate::app::App;
use crate::ids::{BookingId, OfferId, ProjectId, RequestId, SessionId};

/// Why the sample marketplace could not be set up.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Everybody, and where the story stands.
#[derive(Debug, serde::Serialize)]
pub struct Demo {
    /// In order of appearance.
    pub users: Vec<Person>,
    /// A request that waits for its consumer to choose.
    pub open_request: OpenRequest,
    /// Work that is agreed upon.
    pub booking: Booked,
}

/// A request with offers.
#[derive(Debug, serde::Serialize)]
pub struct OpenRequest {
    /// The request.
    pub id: RequestId,
    /// Its offers, the first one first, with the version that accepting must name.
    pub offers: Vec<OpenOffer>,
}

/// An offer that can be accepted.
#[derive(Debug, serde::Serialize)]
pub struct OpenOffer {
    /// The offer.
    pub id: OfferId,
    /// Its version.
    pub version: i64,
    /// Where its provider and the consumer talk.
    pub session_id: SessionId,
}

/// A booking and what came with it.
#[derive(Debug, serde::Serialize)]
pub struct Booked {
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

/// Fills an empty marketplace.
pub async fn set_up(app: &App) -> Result<Demo, Failed> {
    let cast = cast::assemble(app).await?;
    story::play(app, cast).await
}
