//! What happens to requests, and who hears of it.

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::PriceRange;
use crate::domain::place::Point;
use crate::events::DomainEvent;
use crate::ids::{Category, RequestId, Room, UserId};

use super::{Request, State, Title};

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made, as a draft.
    Drafted,
    /// It came into the market.
    Published,
    /// It says something else now.
    Edited,
    /// It has more time.
    Extended,
    /// Its owner took it back.
    Cancelled,
    /// An offer was accepted.
    Booked,
    /// Its time was over.
    Expired,
    /// Its booking was cancelled before the start.
    Reopened,
    /// Its booking was completed.
    Fulfilled,
    /// An admin took it out of the market.
    Removed,
    /// An admin put it back.
    Restored,
}

/// A request changed. Carries what everybody in the market may see: no address, and only roughly where.
#[derive(Debug, serde::Serialize)]
pub struct RequestChanged<'a> {
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
    /// The market hears of what is or was open; the owner of everything; `bidders` of what makes them act.
    pub(super) fn new(change: Change, before: &Request, after: &'a Request, bidders: &[UserId]) -> Self {
        let mut rooms = vec![Room::User(after.user_id)];
        if before.stored == State::Open || after.stored == State::Open {
            rooms.push(Room::Market(before.brief.category.clone()));
            rooms.push(Room::Market(after.brief.category.clone()));
        }
        rooms.extend(bidders.iter().map(|user| Room::User(*user)));
        Self {
            request_id: after.id,
            category: &after.brief.category,
            title: &after.brief.title,
            budget: after.brief.budget,
            near: after.brief.place.point.map(Point::roughly),
            wanted_at: after.brief.wanted_at,
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

/// Announces a change that nobody but the owner and the market must hear of.
pub(super) fn announce(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    change: Change,
    before: &Request,
    after: &Request,
) {
    uow.record(by, &RequestChanged::new(change, before, after, &[]));
}
