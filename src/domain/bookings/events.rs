//! Domain events of bookings. They go to the booking's room, both parties' user rooms, and their session's
//! room.

use crate::db::UnitOfWork;
use crate::domain::money::Money;
use crate::domain::requests::Title;
use crate::domain::slot::Slot;
use crate::events::DomainEvent;
use crate::ids::{BookingId, OfferId, ProjectId, RequestId, Room, SessionId, UserId};

use super::{Booking, State};

/// How a booking changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Created, by accepting an offer.
    Created,
    /// The work has started.
    Started,
    /// The work is done.
    Completed,
    /// Cancelled by a party or an admin.
    Cancelled,
}

/// A booking changed. Excludes the address: those who may see it read it from the booking.
#[derive(Debug, serde::Serialize)]
pub(crate) struct BookingChanged<'a> {
    booking_id: BookingId,
    offer_id: OfferId,
    request_id: RequestId,
    session_id: SessionId,
    project_id: Option<ProjectId>,
    title: &'a Title,
    price: Money,
    slot: Slot,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<&'a str>,
    version: i64,
    #[serde(skip)]
    change: Change,
    #[serde(skip)]
    parties: [UserId; 2],
}

impl DomainEvent for BookingChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "booking.created",
            Change::Started => "booking.started",
            Change::Completed => "booking.completed",
            Change::Cancelled => "booking.cancelled",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        let [consumer, provider] = self.parties;
        let (booking, session) = (Room::Booking(self.booking_id), Room::Session(self.session_id));
        vec![booking, session, Room::User(consumer), Room::User(provider)]
    }
}

/// Records a booking event for both parties.
pub(super) fn announce(uow: &mut UnitOfWork<'_>, by: Option<UserId>, change: Change, booking: &Booking) {
    let event = BookingChanged {
        booking_id: booking.id,
        offer_id: booking.offer_id,
        request_id: booking.request_id,
        session_id: booking.session_id,
        project_id: booking.project_id,
        title: &booking.title,
        price: booking.price,
        slot: booking.slot,
        state: booking.state,
        completed_by: booking.completed_by,
        cancelled_by: booking.cancelled_by,
        cancel_reason: booking.cancel_reason.as_deref(),
        version: booking.version,
        change,
        parties: [booking.consumer_user_id, booking.provider_user_id],
    };
    uow.record(by, &event);
}
