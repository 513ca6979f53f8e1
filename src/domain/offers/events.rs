//! Domain events of offers. They go to both sides' user rooms and to their session's room.

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::slot::Slot;
use crate::events::DomainEvent;
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, Room, SessionId, UserId};

use super::{Message, Offer, State};

/// How an offer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Submitted by its provider.
    Submitted,
    /// Changed by its provider, or affirmed for an edited request.
    Revised,
    /// Accepted; a booking exists.
    Accepted,
    /// Declined by the request's owner.
    Declined,
    /// Withdrawn by its provider.
    Withdrawn,
    /// Its `valid_until` has passed.
    Expired,
    /// Another offer was accepted, the request was closed, or its provider was suspended.
    NotSelected,
    /// Its booking was cancelled.
    Voided,
    /// Removed by an admin.
    Removed,
}

/// An offer changed, with its state after the change.
#[derive(Debug, serde::Serialize)]
pub(crate) struct OfferChanged<'a> {
    offer_id: OfferId,
    request_id: RequestId,
    provider_id: ProviderId,
    session_id: SessionId,
    booking_id: Option<BookingId>,
    price: Money,
    message: &'a Message,
    slot: Slot,
    valid_until: Timestamp,
    request_revision: i64,
    state: State,
    version: i64,
    #[serde(skip)]
    change: Change,
    #[serde(skip)]
    sides: [UserId; 2],
}

impl<'a> OfferChanged<'a> {
    fn new(change: Change, offer: &'a Offer) -> Self {
        Self {
            offer_id: offer.id,
            request_id: offer.request_id,
            provider_id: offer.provider_id,
            session_id: offer.session_id,
            booking_id: offer.booking_id,
            price: offer.terms.price,
            message: &offer.terms.message,
            slot: offer.terms.slot,
            valid_until: offer.terms.valid_until,
            request_revision: offer.request_revision,
            state: offer.state,
            version: offer.version,
            change,
            sides: [offer.consumer_user_id, offer.user_id],
        }
    }
}

impl DomainEvent for OfferChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Submitted => "offer.submitted",
            Change::Revised => "offer.revised",
            Change::Accepted => "offer.accepted",
            Change::Declined => "offer.declined",
            Change::Withdrawn => "offer.withdrawn",
            Change::Expired => "offer.expired",
            Change::NotSelected => "offer.not_selected",
            Change::Voided => "offer.voided",
            Change::Removed => "offer.removed",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        let [consumer, provider] = self.sides;
        vec![Room::User(consumer), Room::User(provider), Room::Session(self.session_id)]
    }
}

/// Records an offer event for both sides.
pub(super) fn announce(uow: &mut UnitOfWork<'_>, by: Option<UserId>, change: Change, offer: &Offer) {
    uow.record(by, &OfferChanged::new(change, offer));
}
