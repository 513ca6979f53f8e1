//! Offers: providers' responses to requests.
//!
//! Whatever changes an offer holds its request's row lock (`requests::lock`); accepting one settles the
//! request in the same transaction (`accept.rs`).

mod accept;
mod events;
mod repository;
mod service;
mod states;
mod steps;

pub(crate) use accept::accept;
pub(crate) use events::Change;
pub(crate) use service::{decline, find, list, of_request, remove, revise, submit, withdraw};
pub(crate) use states::{Action, State};
pub(crate) use steps::{expire_overdue, lapse_of_suspended, of_suspended, overdue};

pub(super) use service::{explain, of_id};
pub(super) use steps::{close_live, lapse, live_bidders, live_by, void};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::Money;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::slot::Slot;
use crate::domain::text::MultiLine;
use crate::domain::users::Role;
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, SessionId, UserId};

/// Default validity of an offer; never past the request's expiry or the slot's start.
pub(crate) const TERM: Duration = Duration::from_secs(72 * 60 * 60);

/// Message of an offer to the request's owner.
pub(crate) type Message = MultiLine<2000>;

/// The part of an offer that its provider writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The asked price.
    pub(crate) price: Money,
    /// Message to the request's owner.
    pub(crate) message: Message,
    /// Proposed time of the work.
    pub(crate) slot: Slot,
    /// Until when the offer can be accepted.
    pub(crate) valid_until: Timestamp,
}

/// An offer to submit.
#[derive(Clone, Debug)]
pub(crate) struct NewOffer {
    /// The asked price, in the request's currency.
    pub(crate) price: Money,
    /// Message to the request's owner.
    pub(crate) message: Message,
    /// Proposed time of the work; must start in the future.
    pub(crate) slot: Slot,
    /// Until when the offer can be accepted; the default [`TERM`] if `None`.
    pub(crate) valid_until: Option<Timestamp>,
}

/// A partial update of an offer; `None` leaves a field unchanged. An empty one affirms the offer for an
/// edited request.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields are those of NewOffer")]
pub(crate) struct Revision {
    pub(crate) price: Option<Money>,
    pub(crate) message: Option<Message>,
    pub(crate) slot: Option<Slot>,
    pub(crate) valid_until: Option<Timestamp>,
}

/// Filter of a list of offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfferFilter {
    /// Only those in this state.
    pub(crate) state: Option<State>,
    /// Only those that this user made or received; for admins.
    pub(crate) user: Option<UserId>,
}

/// An offer.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// Primary key.
    pub(crate) id: OfferId,
    /// The request it answers.
    pub(crate) request_id: RequestId,
    /// The provider's profile.
    pub(crate) provider_id: ProviderId,
    /// The provider's user.
    pub(crate) user_id: UserId,
    /// The user who owns the request: the other side.
    pub(crate) consumer_user_id: UserId,
    /// Price, message, slot and validity.
    pub(crate) terms: Terms,
    /// The request's revision for which the offer was made or affirmed.
    pub(crate) request_revision: i64,
    /// State at read time: an overdue row reads as expired, however late the sweeper is.
    pub(crate) state: State,
    /// State in the database.
    stored: State,
    /// Accepting names this version, so that nobody accepts terms that they have not seen.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
    /// The request was edited after the offer was made or affirmed; the provider must revise the offer before
    /// it can be accepted.
    pub(crate) is_outdated: bool,
    /// The session of both sides.
    pub(crate) session_id: SessionId,
    /// The booking, once accepted.
    pub(crate) booking_id: Option<BookingId>,
}

impl Offer {
    /// Whether it has expired but is still stored as live.
    fn is_overdue(&self) -> bool {
        self.state != self.stored
    }
}

impl Resource for Offer {
    const KIND: Kind = Kind::Offer;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id {
            Standing::Owner
        } else if scope.user() == self.consumer_user_id {
            Standing::Party(Side::Consumer)
        } else {
            Standing::Stranger
        }
    }
}

const SEE: Right = Right::look(Kind::Offer, "see", Need::Party);
const SUBMIT: Right = Right::change(Kind::Offer, "submit", Need::Provider);

impl Rights for Offer {
    const RIGHTS: &'static [Right] = &[SEE, SUBMIT];
}

/// An offer to be created: the resource that the policy checks before a row exists.
struct Creation {
    id: OfferId,
    user_id: UserId,
    provider_id: Option<ProviderId>,
    /// Whether the request exists for this provider: not their own, and not a draft.
    may_answer: bool,
}

impl Resource for Creation {
    const KIND: Kind = Kind::Offer;
    /// Admins cannot submit offers: an offer needs a provider.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let is_provider = scope.role() == Role::Provider && self.provider_id.is_some();
        if is_provider && self.may_answer { Standing::Party(Side::Provider) } else { Standing::Stranger }
    }
}
