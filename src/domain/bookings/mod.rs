//! Bookings: created by accepting an offer, then started, completed or cancelled.
//!
//! Whatever changes a booking holds its request's row lock (`requests::lock`), because its request and offer
//! change with it.

mod events;
mod repository;
mod service;
mod states;

pub(crate) use events::Change;
pub(crate) use service::{
    authorize_room, cancel, complete, find, force_cancel, list, list_of_suspended, start,
};
pub(crate) use states::{Action, State};

pub(super) use service::{explain, of_id, open};

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::Money;
use crate::domain::place::Address;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::requests::Title;
use crate::domain::slot::Slot;
use crate::ids::{BookingId, ConsumerId, OfferId, ProjectId, ProviderId, RequestId, Room, SessionId, UserId};

/// A booking, joined with its request's title, session and project.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    /// Primary key; also names the room.
    pub(crate) id: BookingId,
    /// The accepted offer.
    pub(crate) offer_id: OfferId,
    /// The request of that offer.
    pub(crate) request_id: RequestId,
    /// The request's title.
    pub(crate) title: Title,
    /// Consumer's profile.
    pub(crate) consumer_id: ConsumerId,
    /// Provider's profile.
    pub(crate) provider_id: ProviderId,
    /// The consumer's user.
    pub(crate) consumer_user_id: UserId,
    /// The provider's user.
    pub(crate) provider_user_id: UserId,
    /// The agreed price.
    pub(crate) price: Money,
    /// The agreed time of the work.
    pub(crate) slot: Slot,
    /// Where the work is; visible to the parties and admins only.
    pub(crate) address: Option<Address>,
    /// Current state.
    pub(crate) state: State,
    /// The user who completed it.
    pub(crate) completed_by: Option<UserId>,
    /// The user who cancelled it.
    pub(crate) cancelled_by: Option<UserId>,
    /// Reason of the cancellation, where one was given.
    pub(crate) cancel_reason: Option<String>,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
    /// The session of the two parties.
    pub(crate) session_id: SessionId,
    /// The project opened for it.
    pub(crate) project_id: Option<ProjectId>,
}

impl Booking {
    /// The booking's room, which its parties may join.
    pub(crate) fn room(&self) -> Room {
        Room::Booking(self.id)
    }
}

/// Filter of a list of bookings.
#[derive(Clone, Debug, Default)]
pub(crate) struct BookingFilter {
    /// Only those in this state.
    pub(crate) state: Option<State>,
    /// Only those of which this user is a party; for admins.
    pub(crate) user: Option<UserId>,
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
const LIST_OF_SUSPENDED: Right = Right::look(Kind::Booking, "list those of suspended users", Need::Admin);

impl Rights for Booking {
    const RIGHTS: &'static [Right] = &[SEE, ATTEND, LIST_OF_SUSPENDED];
}

/// A booking as a room to join. A resource of its own, because the right to be live in the room ends with a
/// cancellation, while the booking itself stays visible to its parties.
#[derive(Clone, Debug)]
pub(crate) struct Attendance(Booking);

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
