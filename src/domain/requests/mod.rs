//! Requests: work that a consumer asks for.
//!
//! A request's row is also the lock of everything that belongs to it: whatever changes a request, one of its
//! offers or its booking locks that row first (`lock`), so that concurrent changes neither interleave nor
//! deadlock.

mod events;
mod repository;
mod service;
mod states;
mod steps;

pub(crate) use events::Change;
pub use service::create;
pub(crate) use service::{cancel, edit, extend, find, list, publish, remove, restore};
pub(crate) use states::{Action, State};
pub(crate) use steps::{close_of_suspended, expire_overdue, of_suspended, overdue};

pub(super) use repository::{lock, lock_for};
pub(super) use service::{explain, of_id};
pub(super) use steps::{book, close, close_open, fulfil, open_of, reopen};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::PriceRange;
use crate::domain::place::{Address, Place, Point};
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::domain::users::Role;
use crate::ids::{Category, ConsumerId, RequestId, UserId};

/// Default time that a request stays open.
pub(crate) const TERM: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Latest expiry that a consumer may ask for, from now.
pub(crate) const LONGEST_TERM: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Title of a request.
pub type Title = SingleLine<120>;

/// Description of a request.
pub type Description = MultiLine<4000>;

/// Reason that an admin gives for an intervention.
pub(crate) type Reason = SingleLine<500>;

/// The part of a request that its consumer writes.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestDetails {
    /// The category, which is also the market it is published in.
    pub category: Category,
    /// Title, as in the market.
    pub title: Title,
    /// What is to be done.
    pub description: Description,
    /// Expected price; its currency is the one that offers must use.
    pub budget: PriceRange,
    /// Where the work is. The address is visible to the owner, the booked provider and admins only.
    pub place: Place,
    /// Preferred time, if any.
    pub wanted_at: Option<Timestamp>,
}

/// A request to create.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// What is asked for.
    pub details: RequestDetails,
    /// Whether to publish it at once.
    pub opening: Opening,
}

/// Initial state of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A draft, visible to its owner only.
    Draft,
    /// Published, until this time or for the default [`TERM`].
    Open(Option<Timestamp>),
}

/// A partial update of a request; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields are those of Brief")]
pub(crate) struct Edit {
    pub(crate) category: Option<Category>,
    pub(crate) title: Option<Title>,
    pub(crate) description: Option<Description>,
    pub(crate) budget: Option<PriceRange>,
    pub(crate) address: Option<Option<Address>>,
    pub(crate) point: Option<Option<Point>>,
    pub(crate) wanted_at: Option<Option<Timestamp>>,
}

/// Filter of a list of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestFilter {
    /// Only those of this category.
    pub(crate) category: Option<Category>,
    /// Only those in this state.
    pub(crate) state: Option<State>,
    /// Only this user's; for admins.
    pub(crate) user: Option<UserId>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Primary key.
    pub id: RequestId,
    /// The consumer's profile.
    pub(crate) consumer_id: ConsumerId,
    /// The consumer's user.
    pub(crate) user_id: UserId,
    /// What is asked for.
    pub(crate) details: RequestDetails,
    /// State at read time: an overdue row reads as expired, however late the sweeper is.
    pub(crate) state: State,
    /// State in the database.
    stored: State,
    /// Incremented by edits while offers are live.
    pub(crate) revision: i64,
    /// When it expires; `None` for a draft.
    pub(crate) expires_at: Option<Timestamp>,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
    part: Part,
}

/// The caller's involvement in a request, other than owning it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing.
    None,
    /// The caller made an offer on it.
    Bidder,
    /// The caller has its booking.
    Hired,
}

impl Request {
    /// Whether it has expired but is still stored as open.
    fn is_overdue(&self) -> bool {
        self.state != self.stored
    }

    /// Whether this caller may see the address: the owner, the provider with the booking, admins.
    pub(crate) fn shows_address_to(&self, scope: &Scope) -> bool {
        let standing = self.standing(scope);
        Need::Party.is_met_by(standing) || scope.is_admin()
    }
}

impl Resource for Request {
    const KIND: Kind = Kind::Request;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let in_market = self.state == State::Open && scope.role() == Role::Provider;
        match self.part {
            _ if self.user_id == scope.user() => Standing::Owner,
            Part::Hired => Standing::Party(Side::Provider),
            Part::Bidder => Standing::Public,
            Part::None if in_market => Standing::Public,
            Part::None => Standing::Stranger,
        }
    }
}

const SEE: Right = Right::look(Kind::Request, "see", Need::Public);
const CREATE: Right = Right::change(Kind::Request, "create", Need::Consumer);

impl Rights for Request {
    const RIGHTS: &'static [Right] = &[SEE, CREATE];
}

/// A request to be created: the resource that the policy checks before a row exists.
struct Creation {
    id: RequestId,
    user_id: UserId,
    consumer_id: Option<ConsumerId>,
}

impl Resource for Creation {
    const KIND: Kind = Kind::Request;
    /// Admins cannot create requests: a request needs a consumer.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let is_consumer = scope.role() == Role::Consumer && self.consumer_id.is_some();
        if is_consumer { Standing::Party(Side::Consumer) } else { Standing::Stranger }
    }
}
