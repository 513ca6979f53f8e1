//! Offers: what providers answer requests with.
//!
//! Everything that changes an offer holds its request's lock (`requests::lock`), and accepting one is the one
//! transaction in which everything else about the request is settled too (`accept.rs`).

mod accept;
mod events;
mod repository;
mod service;
mod states;
mod steps;

pub use accept::accept;
pub use events::{Change, OfferChanged};
pub use service::{decline, find, list, of_request, remove, revise, submit, withdraw};
pub use states::{Action, State};
pub use steps::{expire_overdue, overdue};

pub(super) use steps::{lapse_live, live_bidders, void};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::Money;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::slot::Slot;
use crate::domain::text::MultiLine;
use crate::domain::users::Role;
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, SessionId, UserId};

/// How long an offer stands where its provider does not say; never past its request's end or its slot's start.
pub const TERM: Duration = Duration::from_secs(72 * 60 * 60);

/// What an offer says.
pub type Message = MultiLine<2000>;

/// What is offered: the part of an offer that its provider writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// For how much.
    pub price: Money,
    /// In what words.
    pub message: Message,
    /// When.
    pub slot: Slot,
    /// Until when it can be accepted.
    pub valid_until: Timestamp,
}

/// An offer to be made.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// For how much, in the request's currency.
    pub price: Money,
    /// In what words.
    pub message: Message,
    /// When; not begun yet.
    pub slot: Slot,
    /// Until when it can be accepted; the usual term where absent.
    pub valid_until: Option<Timestamp>,
}

/// What is to change in an offer; what is absent stays. Nothing at all affirms it for a request that was edited.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields are those of NewOffer")]
pub struct Revision {
    pub price: Option<Money>,
    pub message: Option<Message>,
    pub slot: Option<Slot>,
    pub valid_until: Option<Timestamp>,
}

/// Which offers are to be listed.
#[derive(Clone, Debug, Default)]
pub struct OfferFilter {
    /// In this state only.
    pub state: Option<State>,
}

/// An offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// On which request.
    pub request_id: RequestId,
    /// Whose it is.
    pub provider_id: ProviderId,
    /// The user whose it is.
    pub user_id: UserId,
    /// The request's owner: the other side.
    pub consumer_user_id: UserId,
    /// What is offered.
    pub terms: Terms,
    /// The request's revision for which it was made or affirmed.
    pub request_revision: i64,
    /// The state it is in at this moment: an overdue one is expired, however late the sweeper is.
    pub state: State,
    /// The state it is stored in.
    stored: State,
    /// What accepting must name, so that nobody accepts what they have not seen.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The request was edited after it was made or affirmed; its provider must revise it before it can be accepted.
    pub is_outdated: bool,
    /// Where the two talk about it.
    pub session_id: SessionId,
    /// What it became, once accepted.
    pub booking_id: Option<BookingId>,
}

impl Offer {
    /// Whether the time is over for one that is still stored as live.
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

/// An offer that is about to be: what the policy looks at before there is a row.
struct Creation {
    id: OfferId,
    user_id: UserId,
    provider_id: Option<ProviderId>,
    /// Whether there is a request for this provider to answer: not their own, and not a draft.
    may_answer: bool,
}

impl Resource for Creation {
    const KIND: Kind = Kind::Offer;
    /// An admin has nothing to offer: there is no provider whose offer it would be.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let is_provider = scope.role() == Role::Provider && self.provider_id.is_some();
        if is_provider && self.may_answer { Standing::Party(Side::Provider) } else { Standing::Stranger }
    }
}
