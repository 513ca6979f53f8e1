//! Domain events of requests. They go to the owner, to the category's market room and to users with live
//! offers.

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::PriceRange;
use crate::domain::place::Point;
use crate::events::DomainEvent;
use crate::ids::{Category, RequestId, Room, UserId};

use super::{Request, State, Title};

/// How a request changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Created as a draft.
    Drafted,
    /// Published to the market.
    Published,
    /// Its details were edited.
    Edited,
    /// Its expiry was extended.
    Extended,
    /// Cancelled by its owner, or closed by the system.
    Cancelled,
    /// An offer was accepted.
    Booked,
    /// It expired.
    Expired,
    /// Its booking was cancelled before the work started.
    Reopened,
    /// Its booking was completed.
    Fulfilled,
    /// Removed from the market by an admin.
    Removed,
    /// Restored by an admin.
    Restored,
}

/// A request changed. Contains what everyone in the market may see: no address, and the point only roughly.
#[derive(Debug, serde::Serialize)]
pub(crate) struct RequestChanged<'a> {
    request_id: RequestId,
    category: &'a Category,
    title: &'a Title,
    budget: PriceRange,
    near: Option<Point>,
    wanted_at: Option<Timestamp>,
    state: State,
    revision: i64,
    expires_at: Option<Timestamp>,
    version: i64,
    #[serde(skip)]
    change: Change,
    #[serde(skip)]
    rooms: Vec<Room>,
}

impl<'a> RequestChanged<'a> {
    /// Chooses the rooms: the market for what is or was open, the owner for everything, `bidders` for what
    /// they must react to.
    pub(super) fn new(change: Change, before: &Request, after: &'a Request, bidders: &[UserId]) -> Self {
        let mut rooms = vec![Room::User(after.user_id)];
        if before.stored == State::Open || after.stored == State::Open {
            rooms.push(Room::Market(before.details.category.clone()));
            rooms.push(Room::Market(after.details.category.clone()));
        }
        rooms.extend(bidders.iter().map(|user| Room::User(*user)));
        Self {
            request_id: after.id,
            category: &after.details.category,
            title: &after.details.title,
            budget: after.details.budget,
            near: after.details.place.point.map(Point::roughly),
            wanted_at: after.details.wanted_at,
            state: after.state,
            revision: after.revision,
            expires_at: after.expires_at,
            version: after.version,
            change,
            rooms,
        }
    }
}

impl DomainEvent for RequestChanged<'_> {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Drafted => "request.drafted",
            Change::Published => "request.published",
            Change::Edited => "request.edited",
            Change::Extended => "request.extended",
            Change::Cancelled => "request.cancelled",
            Change::Booked => "request.booked",
            Change::Expired => "request.expired",
            Change::Reopened => "request.reopened",
            Change::Fulfilled => "request.fulfilled",
            Change::Removed => "request.removed",
            Change::Restored => "request.restored",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        self.rooms.clone()
    }
}

/// Records an event for the owner and the market only.
pub(super) fn announce(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    change: Change,
    before: &Request,
    after: &Request,
) {
    uow.record(by, &RequestChanged::new(change, before, after, &[]));
}
