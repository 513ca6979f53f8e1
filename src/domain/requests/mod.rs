//! Requests: work that a consumer asks for.
//!
//! The row of a request is also the lock of everything that hangs on it: whoever changes a request, one of its offers
//! or its booking takes that row first (`lock`), so that no two of them meet halfway and none waits in a circle.

mod events;
mod repository;
mod service;
mod states;
mod steps;

pub use events::{Change, RequestChanged};
pub use service::{cancel, create, edit, extend, find, list, publish, remove, restore};
pub use states::{Action, State};
pub use steps::{expire_overdue, overdue};

pub(super) use repository::{lock, lock_for};
pub(super) use steps::{book, fulfil, reopen};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::money::PriceRange;
use crate::domain::place::{Address, Place, Point};
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::domain::users::Role;
use crate::ids::{Category, ConsumerId, RequestId, UserId};

/// How long a request stays open where its consumer does not say.
pub const TERM: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The furthest end that a consumer may ask for, from now.
pub const LONGEST_TERM: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What a request is called.
pub type Title = SingleLine<120>;

/// What a request says.
pub type Description = MultiLine<4000>;

/// Why somebody who need not did something.
pub type Reason = SingleLine<500>;

/// What is asked for: the part of a request that its consumer writes.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestDetails {
    /// Which market it is for.
    pub category: Category,
    /// What it is called.
    pub title: Title,
    /// What it says.
    pub description: Description,
    /// What its consumer wants to spend, in the currency that offers must come in.
    pub budget: PriceRange,
    /// Where the work is. Its address is for the owner and a booking's parties alone.
    pub place: Place,
    /// When it is wanted.
    pub wanted_at: Option<Timestamp>,
}

/// A request to be made.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// What is asked for.
    pub brief: RequestDetails,
    /// Whether it goes to the market at once.
    pub opening: Opening,
}

/// How a request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// As a draft that nobody else sees.
    Draft,
    /// In the market, until then or for the usual term.
    Open(Option<Timestamp>),
}

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields are those of Brief")]
pub struct Edit {
    pub category: Option<Category>,
    pub title: Option<Title>,
    pub description: Option<Description>,
    pub budget: Option<PriceRange>,
    pub address: Option<Option<Address>>,
    pub point: Option<Option<Point>>,
    pub wanted_at: Option<Option<Timestamp>>,
}

/// Which requests are to be listed.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// Of this category only.
    pub category: Option<Category>,
    /// Only those in this state.
    pub state: Option<State>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Primary key.
    pub id: RequestId,
    /// Whose it is.
    pub consumer_id: ConsumerId,
    /// The user whose it is.
    pub user_id: UserId,
    /// What is asked for.
    pub brief: RequestDetails,
    /// State at read time: an overdue row reads as expired, however late the sweeper is.
    pub state: State,
    /// State in the database.
    stored: State,
    /// Grows when it is edited while offers are live.
    pub revision: i64,
    /// Until when it is open; absent while it is a draft.
    pub expires_at: Option<Timestamp>,
    /// Incremented by each change; compared with `If-Match`.
    pub version: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    part: Part,
}

/// What a caller has had to do with a request already, besides owning it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing.
    None,
    /// They made an offer on it.
    Bidder,
    /// They have its booking.
    Hired,
}

impl Request {
    /// Whether the time is over for one that is still stored as open.
    fn is_overdue(&self) -> bool {
        self.state != self.stored
    }

    /// Whether this caller may know at which door the work is: its owner, the provider who has the booking, admins.
    pub fn shows_address_to(&self, scope: &Scope) -> bool {
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

/// A request that is about to be: what the policy looks at before there is a row.
struct Creation {
    id: RequestId,
    user_id: UserId,
    consumer_id: Option<ConsumerId>,
}

impl Resource for Creation {
    const KIND: Kind = Kind::Request;
    /// An admin has nothing to ask for: there is no consumer whose request it would be.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        let is_consumer = scope.role() == Role::Consumer && self.consumer_id.is_some();
        if is_consumer { Standing::Party(Side::Consumer) } else { Standing::Stranger }
    }
}
