//! Bookings: what accepted offers become, and how the work goes.
//!
//! Everything that changes a booking holds its request's lock (`requests::lock`), since its request and offer change
//! with it.

mod events;
mod repository;
mod service;
mod states;

pub use events::{BookingChanged, Change};
pub use service::{authorize_room, cancel, complete, find, force_cancel, list, start};
pub use states::{Action, State};

pub(super) use service::open;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::Money;
use crate::domain::place::Address;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::requests::Title;
use crate::domain::slot::Slot;
use crate::ids::{BookingId, ConsumerId, OfferId, ProjectId, ProviderId, RequestId, Room, SessionId, UserId};

/// A booking.
#[derive(Clone, Debug)]
pub struct Booking {
    /// Its id; also names its room.
    pub id: BookingId,
    /// What was accepted.
    pub offer_id: OfferId,
    /// What it answered.
    pub request_id: RequestId,
    /// What that is called.
    pub title: Title,
    /// A party.
    pub consumer_id: ConsumerId,
    /// A party.
    pub provider_id: ProviderId,
    /// A party's user.
    pub consumer_user_id: UserId,
    /// A party's user.
    pub provider_user_id: UserId,
    /// For how much.
    pub price: Money,
    /// When.
    pub slot: Slot,
    /// Where; only the parties see it.
    pub address: Option<Address>,
    /// The state it is in.
    pub state: State,
    /// Who said that the work is done.
    pub completed_by: Option<UserId>,
    /// Who cancelled it.
    pub cancelled_by: Option<UserId>,
    /// Why.
    pub cancel_reason: Option<String>,
    /// What If-Match is compared with.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Where the two talk about it.
    pub session_id: SessionId,
    /// Where the work is planned.
    pub project_id: Option<ProjectId>,
}

impl Booking {
    /// Where its parties hear of it.
    pub fn room(&self) -> Room {
        Room::Booking(self.id)
    }
}

/// Which bookings are to be listed.
#[derive(Clone, Debug, Default)]
pub struct BookingFilter {
    /// In this state only.
    pub state: Option<State>,
}

impl Resource for Booking {
    const KIND: Kind = Kind::Booking;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.consumer_user_id {
            Standing::Party(Side::Consumer)
        } else if scope.user() == self.provider_user_id {
            Standing::Party(Side::Provider)
        } else {
            Standing::Stranger
        }
    }
}

const SEE: Right = Right::look(Kind::Booking, "see", Need::Party);
const ATTEND: Right = Right::look(Kind::Booking, "attend", Need::Party);

impl Rights for Booking {
    const RIGHTS: &'static [Right] = &[SEE, ATTEND];
}

/// A booking as a place to be live in. A resource of its own because it ends when the booking is cancelled, while what
/// was booked stays visible to its parties.
#[derive(Clone, Debug)]
pub struct Attendance(Booking);

impl std::ops::Deref for Attendance {
    type Target = Booking;
    fn deref(&self) -> &Booking {
        &self.0
    }
}

impl Resource for Attendance {
    const KIND: Kind = Kind::Booking;

    fn row_id(&self) -> String {
        self.0.row_id()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if self.0.state == State::Cancelled { Standing::Stranger } else { self.0.standing(scope) }
    }
}
