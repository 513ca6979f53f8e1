//! What happens to offers. Its two sides hear of it, each in their own room and both in their session.

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::slot::Slot;
use crate::events::DomainEvent;
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, Room, SessionId, UserId};

use super::{Message, Offer, State};

/// What happened to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Submitted,
    /// Its provider changed or affirmed it.
    Revised,
    /// It became a booking.
    Accepted,
    /// The request's owner said no.
    Declined,
    /// Its provider took it back.
    Withdrawn,
    /// Its time was over.
    Expired,
    /// Another one was accepted, or the request went away.
    NotSelected,
    /// Its booking was cancelled before the start.
    Voided,
    /// An admin took it away.
    Removed,
}

/// An offer changed.
#[derive(Debug, serde::Serialize)]
pub struct OfferChanged<'a> {
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

/// Announces a change to the offer's two sides.
pub(super) fn announce(uow: &mut UnitOfWork<'_>, by: Option<UserId>, change: Change, offer: &Offer) {
    uow.record(by, &OfferChanged::new(change, offer));
}
