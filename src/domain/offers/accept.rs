//! Accepting an offer: the one transaction that settles a request.
//!
//! Offer accepted, request booked, its other offers not selected, booking created, session and project
//! opened, events and audit row written: all or nothing. A concurrent call waits for the request's row lock
//! and then finds a state that rejects it; unique keys of the schema back this up, should this code be wrong.
//!
//! Accepting increments the offer's version, so that of many calls that accept one offer at one version
//! exactly one succeeds. A client that repeats a call after a lost response does so with its Idempotency-Key.

use crate::db::UnitOfWork;
use crate::domain::policy::{Right, Scope, Step, audit_action, authorize, blocked, conflict, step};
use crate::domain::{Error, bookings, requests};
use crate::ids::OfferId;

use super::events::announce;
use super::{Action, Change, Offer, repository, service, steps};

/// Accepts the offer at the version that the caller has seen.
pub(crate) fn accept(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: OfferId,
    version: i64,
) -> Result<Offer, Error> {
    let right = Right::to::<Offer>(Action::Accept);
    let (request, offer) = service::lock(uow, id)?;
    let offer = authorize(uow, scope, offer, right)?;
    let state = match step(scope, &*offer, Action::Accept)? {
        Step::To(state) => state,
        Step::Already if version == offer.version => return Ok(offer.into_row()),
        Step::Already => return Err(conflict(scope, &*offer, Action::Accept)),
    };
    if version != offer.version {
        let changed = "the offer was changed meanwhile: read it again, and accept the version you mean";
        return Err(blocked(scope, &*offer, "stale_version", changed));
    }
    if offer.is_outdated {
        let edited = "the request was edited after this offer: its provider must affirm it first";
        return Err(blocked(scope, &*offer, "offer_outdated", edited));
    }
    service::require_active_sides(uow, scope, &*offer, [request.user_id, offer.user_id])?;
    let by = Some(scope.user());
    let request = requests::book(uow, by, request)?;
    let accepted = repository::update(uow, &offer, Offer { state, ..offer.clone() })?;
    steps::close_live(uow, by, request.id, Some(id))?;
    let booking = bookings::open(uow, by, &request, &accepted)?;
    let accepted = Offer { booking_id: Some(booking.id), ..accepted };
    announce(uow, by, Change::Accepted, &accepted);
    audit_action(uow, scope, &accepted, right, None)?;
    Ok(accepted)
}
