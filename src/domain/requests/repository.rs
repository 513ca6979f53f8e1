//! Storage of requests: queries and writes, no decisions. Includes the row lock that offers and bookings
//! share.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{bookings, offers, requests, users};
use crate::db::{DbConnection, DbError, UnitOfWork};
use crate::domain::money::{Currency, PriceRange};
use crate::domain::place::{Address, Place, Point};
use crate::domain::policy::{Authorized, Scope};
use crate::domain::users::Role;
use crate::domain::{Due, Error, Kind, Page, bookings as deals};
use crate::ids::{Category, ConsumerId, RequestId, UserId};

use super::{Creation, Description, Part, Request, RequestDetails, RequestFilter, State, Title};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = requests, treat_none_as_null = true)]
struct Row {
    id: RequestId,
    consumer_id: ConsumerId,
    user_id: UserId,
    category: Category,
    title: Title,
    description: Description,
    budget_min: Option<i64>,
    budget_max: Option<i64>,
    currency: Currency,
    address: Option<Address>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    wanted_at: Option<Timestamp>,
    status: State,
    revision: i64,
    expires_at: Option<Timestamp>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn of(request: &Request) -> Self {
        let RequestDetails { category, title, description, budget, place, wanted_at } =
            request.details.clone();
        Self {
            id: request.id,
            consumer_id: request.consumer_id,
            user_id: request.user_id,
            category,
            title,
            description,
            budget_min: budget.min(),
            budget_max: budget.max(),
            currency: budget.currency(),
            address: place.address,
            latitude: place.point.map(Point::latitude),
            longitude: place.point.map(Point::longitude),
            wanted_at,
            status: request.state,
            revision: request.revision,
            expires_at: request.expires_at,
            version: request.version,
            created_at: request.created_at,
            updated_at: request.updated_at,
        }
    }

    /// The request as of `now`: an overdue one reads as expired.
    fn at(self, now: Timestamp, part: Part) -> Result<Request, DbError> {
        let is_over = self.status == State::Open && self.expires_at.is_some_and(|end| end <= now);
        Ok(Request {
            id: self.id,
            consumer_id: self.consumer_id,
            user_id: self.user_id,
            details: RequestDetails {
                category: self.category,
                title: self.title,
                description: self.description,
                budget: PriceRange::new(self.budget_min, self.budget_max, self.currency)
                    .map_err(DbError::unreadable)?,
                place: Place {
                    address: self.address,
                    point: Point::from_parts(self.latitude, self.longitude).map_err(DbError::unreadable)?,
                },
                wanted_at: self.wanted_at,
            },
            state: if is_over { State::Expired } else { self.status },
            stored: self.status,
            revision: self.revision,
            expires_at: self.expires_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            part,
        })
    }
}

/// Loads the request without a caller, for a step of the system.
fn load(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<Request, Error> {
    let now = uow.now();
    let row = requests::table.find(id).get_result::<Row>(uow.conn()).optional()?;
    Ok(row.ok_or(Error::NotFound(Kind::Request))?.at(now, Part::None)?)
}

/// Loads the request with the caller's involvement.
pub(super) fn find(uow: &mut UnitOfWork<'_>, scope: &Scope, id: RequestId) -> Result<Request, Error> {
    let (now, user) = (uow.now(), scope.user());
    let hired = bookings::table
        .filter(bookings::request_id.eq(id).and(bookings::provider_user_id.eq(user)))
        .filter(bookings::status.ne(deals::State::Cancelled));
    let offered = offers::table.filter(offers::request_id.eq(id).and(offers::user_id.eq(user)));
    let found = requests::table
        .find(id)
        .select((requests::all_columns, exists(hired), exists(offered)))
        .get_result::<(Row, bool, bool)>(uow.conn())
        .optional()?;
    let (row, is_hired, is_bidder) = found.ok_or(Error::NotFound(Kind::Request))?;
    let part = match (is_hired, is_bidder) {
        (true, _) => Part::Hired,
        (false, true) => Part::Bidder,
        (false, false) => Part::None,
    };
    Ok(row.at(now, part)?)
}

fn lock_row(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<(), DbError> {
    // SQLite has a single writer and needs no lock. `FOR NO KEY UPDATE` excludes other lockers and still lets
    // other rows reference this one.
    if let DbConnection::Postgresql(connection) = uow.conn() {
        requests::table
            .find(id)
            .select(requests::id)
            .for_no_key_update()
            .get_result::<RequestId>(connection)
            .optional()?;
    }
    Ok(())
}

/// Loads the request and locks it, and with it its offers and booking, until the end of the unit of work.
pub(in crate::domain) fn lock(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<Request, Error> {
    lock_row(uow, id)?;
    load(uow, id)
}

/// Like [`lock`], with the caller's involvement.
pub(in crate::domain) fn lock_for(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
) -> Result<Request, Error> {
    lock_row(uow, id)?;
    find(uow, scope, id)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    creation: Authorized<Creation>,
    details: RequestDetails,
    state: State,
    expires_at: Option<Timestamp>,
) -> Result<Request, Error> {
    let now = uow.now();
    let request = Request {
        id: creation.id,
        consumer_id: creation.consumer_id.ok_or(Error::NotFound(Kind::Consumer))?,
        user_id: creation.user_id,
        details,
        state,
        stored: state,
        revision: 1,
        expires_at,
        version: 1,
        created_at: now,
        updated_at: now,
        part: Part::None,
    };
    diesel::insert_into(requests::table).values(Row::of(&request)).execute(uow.conn())?;
    Ok(request)
}

/// Updates a request, provided that its version is unchanged.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    before: &Authorized<Request>,
    after: Request,
) -> Result<Request, Error> {
    let after = Request { stored: after.state, version: before.version + 1, updated_at: uow.now(), ..after };
    let unchanged = requests::table
        .find(before.id)
        .filter(requests::status.eq(before.stored).and(requests::version.eq(before.version)));
    match diesel::update(unchanged).set(Row::of(&after)).execute(uow.conn())? {
        1 => Ok(after),
        _ => Err(DbError::Contended("the request changed meanwhile".into()).into()),
    }
}

/// The requests that this caller may browse, newest first: a consumer's own, the open ones for a provider,
/// all for an admin.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &RequestFilter,
    page: Page<RequestId>,
) -> Result<Vec<Request>, DbError> {
    let state = if scope.role() == Role::Provider { Some(State::Open) } else { filter.state };
    match state {
        None => list_stored(uow, scope, Stored::Any, filter, page),
        Some(State::Open) => list_stored(uow, scope, Stored::Open, filter, page),
        // Two lists, since one of either kind would be read by no index.
        Some(State::Expired) => {
            let stored = list_stored(uow, scope, Stored::As(State::Expired), filter, page)?;
            let overdue = list_stored(uow, scope, Stored::Overdue, filter, page)?;
            Ok(page.newest_of(stored, overdue, |request| request.id))
        }
        Some(state) => list_stored(uow, scope, Stored::As(state), filter, page),
    }
}

/// How requests of a state are stored.
enum Stored {
    Any,
    As(State),
    /// As open, and not expired.
    Open,
    /// As open, but expired.
    Overdue,
}

/// A page by one index.
fn list_stored(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    stored: Stored,
    filter: &RequestFilter,
    page: Page<RequestId>,
) -> Result<Vec<Request>, DbError> {
    let now = uow.now();
    let mut query = requests::table.order(requests::id.desc()).limit(page.fetch()).into_boxed();
    let user = if scope.role() == Role::Consumer { Some(scope.user()) } else { filter.user };
    if let Some(user) = user {
        query = query.filter(requests::user_id.eq(user));
    }
    query = match stored {
        Stored::Any => query,
        Stored::As(state) => query.filter(requests::status.eq(state)),
        Stored::Open => query.filter(requests::status.eq(State::Open)).filter(requests::expires_at.gt(now)),
        Stored::Overdue => {
            query.filter(requests::status.eq(State::Open)).filter(requests::expires_at.le(now))
        }
    };
    if let Some(category) = &filter.category {
        query = query.filter(requests::category.eq(category.clone()));
    }
    if let Some(before) = page.before {
        query = query.filter(requests::id.lt(before));
    }
    let rows = query.load::<Row>(uow.conn())?;
    rows.into_iter().map(|row| row.at(now, Part::None)).collect()
}

/// Open requests that have expired, earliest expiry first.
pub(super) fn overdue(
    uow: &mut UnitOfWork<'_>,
    after: Option<Due<RequestId>>,
    limit: u16,
) -> Result<Vec<Due<RequestId>>, DbError> {
    let now = uow.now();
    let mut query = requests::table
        .filter(requests::status.eq(State::Open).and(requests::expires_at.le(now)))
        .order((requests::expires_at.asc(), requests::id.asc()))
        .limit(i64::from(limit))
        .select((requests::expires_at.assume_not_null(), requests::id))
        .into_boxed();
    if let Some(Due { at, id }) = after {
        let same = requests::expires_at.eq(at).and(requests::id.gt(id));
        query = query.filter(requests::expires_at.gt(at).or(same).assume_not_null());
    }
    let rows = query.load::<(Timestamp, RequestId)>(uow.conn())?;
    Ok(rows.into_iter().map(|(at, id)| Due { at, id }).collect())
}

/// Ids of the user's open requests.
pub(super) fn open_of(uow: &mut UnitOfWork<'_>, user: UserId, limit: u16) -> Result<Vec<RequestId>, DbError> {
    Ok(requests::table
        .filter(requests::user_id.eq(user).and(requests::status.eq(State::Open)))
        .order(requests::id.asc())
        .limit(i64::from(limit))
        .select(requests::id)
        .load(uow.conn())?)
}

/// Ids of open requests of suspended users.
pub(super) fn of_suspended(
    uow: &mut UnitOfWork<'_>,
    after: Option<RequestId>,
    limit: u16,
) -> Result<Vec<RequestId>, DbError> {
    let suspended = users::table.filter(users::is_active.eq(false)).select(users::id);
    let mut query = requests::table
        .filter(requests::user_id.eq_any(suspended).and(requests::status.eq(State::Open)))
        .order(requests::id.asc())
        .limit(i64::from(limit))
        .select(requests::id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(requests::id.gt(after));
    }
    Ok(query.load(uow.conn())?)
}
