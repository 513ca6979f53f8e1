//! Storage of offers: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{bookings, offers, requests, sessions, users};
use crate::db::{DbError, UnitOfWork, one_of};
use crate::domain::money::{Currency, Money};
use crate::domain::policy::{Authorized, Scope};
use crate::domain::slot::Slot;
use crate::domain::{Due, Error, Kind, Page};
use crate::ids::{BookingId, OfferId, ProviderId, RequestId, SessionId, UserId};

use super::{Creation, Message, Offer, OfferFilter, State, Terms};

/// Whether the offer is stored in a state in which it can still be accepted. Not by `eq_any`: a list may be of any
/// length, so that Diesel keeps no prepared statement for it.
macro_rules! is_live {
    () => {
        offers::status.eq(State::Pending).or(offers::status.eq(State::Countered))
    };
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = offers)]
struct Row {
    id: OfferId,
    request_id: RequestId,
    provider_id: ProviderId,
    user_id: UserId,
    consumer_user_id: UserId,
    price: i64,
    currency: Currency,
    message: Message,
    slot_start: Timestamp,
    slot_end: Timestamp,
    valid_until: Timestamp,
    request_revision: i64,
    status: State,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Joined columns: the request's revision, the session, the booking.
type Related = (i64, SessionId, Option<BookingId>);

impl Row {
    fn of(offer: &Offer) -> Self {
        let Terms { price, message, slot, valid_until } = offer.terms.clone();
        Self {
            id: offer.id,
            request_id: offer.request_id,
            provider_id: offer.provider_id,
            user_id: offer.user_id,
            consumer_user_id: offer.consumer_user_id,
            price: price.amount(),
            currency: price.currency(),
            message,
            slot_start: slot.start(),
            slot_end: slot.end(),
            valid_until,
            request_revision: offer.request_revision,
            status: offer.state,
            version: offer.version,
            created_at: offer.created_at,
            updated_at: offer.updated_at,
        }
    }

    /// The offer as of `now`: an overdue one reads as expired.
    fn at(self, now: Timestamp, (revision, session_id, booking_id): Related) -> Result<Offer, DbError> {
        let is_live = matches!(self.status, State::Pending | State::Countered);
        Ok(Offer {
            id: self.id,
            request_id: self.request_id,
            provider_id: self.provider_id,
            user_id: self.user_id,
            consumer_user_id: self.consumer_user_id,
            terms: Terms {
                price: Money::new(self.price, self.currency).map_err(DbError::unreadable)?,
                message: self.message,
                slot: Slot::new(self.slot_start, self.slot_end).map_err(DbError::unreadable)?,
                valid_until: self.valid_until,
            },
            request_revision: self.request_revision,
            state: if is_live && self.valid_until <= now { State::Expired } else { self.status },
            stored: self.status,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            is_outdated: self.request_revision < revision,
            session_id,
            booking_id,
        })
    }
}

/// Offers joined with [`Related`]. Every offer has a session: submitting one opens it.
macro_rules! offers_with_surroundings {
    () => {
        offers::table
            .inner_join(requests::table.on(requests::id.eq(offers::request_id)))
            .inner_join(
                sessions::table.on(sessions::request_id
                    .eq(offers::request_id)
                    .and(sessions::provider_user_id.eq(offers::user_id))),
            )
            .left_join(bookings::table.on(bookings::offer_id.eq(offers::id)))
            .select((offers::all_columns, (requests::revision, sessions::id, bookings::id.nullable())))
    };
}

/// The request of an offer: to be locked before the offer is read.
pub(super) fn request_of(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<RequestId, Error> {
    let request = offers::table.find(id).select(offers::request_id).get_result(uow.conn()).optional()?;
    request.ok_or(Error::NotFound(Kind::Offer))
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<Offer, Error> {
    let now = uow.now();
    let found = offers_with_surroundings!()
        .filter(offers::id.eq(id))
        .get_result::<(Row, Related)>(uow.conn())
        .optional()?;
    let (row, around) = found.ok_or(Error::NotFound(Kind::Offer))?;
    Ok(row.at(now, around)?)
}

/// The offers on a request that are stored as live, by id.
pub(super) fn live_of(uow: &mut UnitOfWork<'_>, request: RequestId) -> Result<Vec<Offer>, DbError> {
    let now = uow.now();
    let rows = offers_with_surroundings!()
        .filter(offers::request_id.eq(request))
        .filter(is_live!())
        .order(offers::id.asc())
        .load::<(Row, Related)>(uow.conn())?;
    rows.into_iter().map(|(row, around)| row.at(now, around)).collect()
}

/// The offer of a user on a request that is stored as live: a provider has at most one.
pub(super) fn live_by_on(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    request: RequestId,
) -> Result<Option<Offer>, DbError> {
    let now = uow.now();
    let row = offers_with_surroundings!()
        .filter(offers::request_id.eq(request).and(offers::user_id.eq(user)))
        .filter(is_live!())
        .get_result::<(Row, Related)>(uow.conn())
        .optional()?;
    row.map(|(row, around)| row.at(now, around)).transpose()
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    _allowed: &Authorized<Creation>,
    offer: &Offer,
) -> Result<(), DbError> {
    diesel::insert_into(offers::table).values(Row::of(offer)).execute(uow.conn())?;
    Ok(())
}

/// Updates an offer, provided that its version is unchanged.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    before: &Authorized<Offer>,
    after: Offer,
) -> Result<Offer, Error> {
    let after = Offer { stored: after.state, version: before.version + 1, updated_at: uow.now(), ..after };
    let unchanged = offers::table
        .find(before.id)
        .filter(offers::status.eq(before.stored).and(offers::version.eq(before.version)));
    match diesel::update(unchanged).set(Row::of(&after)).execute(uow.conn())? {
        1 => Ok(after),
        _ => Err(DbError::Contended("the offer changed meanwhile".into()).into()),
    }
}

/// Which offers a caller may list.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Offers made by this user.
    MadeBy(UserId),
    /// Offers received by this user.
    ReceivedBy(UserId),
    /// All offers on this request.
    Request(RequestId),
    /// This user's offers on this request.
    RequestBy(RequestId, UserId),
    /// Every offer.
    Everyone,
}

impl Of {
    /// The caller's own offers, made and received; for an admin those of the user who is asked for, or all.
    pub(super) fn listed(scope: &Scope, user: Option<UserId>) -> Vec<Self> {
        let of = |user| vec![Self::MadeBy(user), Self::ReceivedBy(user)];
        match (scope.is_admin(), user) {
            (true, None) => vec![Self::Everyone],
            (true, Some(user)) => of(user),
            (false, _) => of(scope.user()),
        }
    }
}

/// A page of offers of any of these, newest first.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    of: &[Of],
    filter: &OfferFilter,
    page: Page<OfferId>,
) -> Result<Vec<Offer>, DbError> {
    let now = uow.now();
    // First the page, by an index, then what is around its offers: PostgreSQL expects so little of these joins that it
    // would read whole tables for a page.
    let ids = ids(uow, of, filter.state, page)?;
    let rows =
        offers_with_surroundings!()
            .filter(one_of(offers::id, ids))
            .order(offers::id.desc())
            .load::<(Row, Related)>(uow.conn())?;
    rows.into_iter().map(|(row, around)| row.at(now, around)).collect()
}

fn ids(
    uow: &mut UnitOfWork<'_>,
    of: &[Of],
    state: Option<State>,
    page: Page<OfferId>,
) -> Result<Vec<OfferId>, DbError> {
    let stored = match state {
        None => vec![Stored::Any],
        // One list each, since all of them together would be read by no index.
        Some(State::Expired) => {
            let (pending, countered) = (Stored::Overdue(State::Pending), Stored::Overdue(State::Countered));
            vec![Stored::As(State::Expired), pending, countered]
        }
        Some(state @ (State::Pending | State::Countered)) => vec![Stored::Valid(state)],
        Some(state) => vec![Stored::As(state)],
    };
    let mut newest = Vec::new();
    for of in of {
        for stored in &stored {
            newest = page.newest_of(newest, ids_stored(uow, *of, *stored, page)?, |id| *id);
        }
    }
    Ok(newest)
}

/// How offers of a state are stored.
#[derive(Clone, Copy)]
enum Stored {
    Any,
    As(State),
    /// As a live state that still counts.
    Valid(State),
    /// As a live state, but expired.
    Overdue(State),
}

/// A page by one index.
fn ids_stored(
    uow: &mut UnitOfWork<'_>,
    of: Of,
    stored: Stored,
    page: Page<OfferId>,
) -> Result<Vec<OfferId>, DbError> {
    let now = uow.now();
    let mut query =
        offers::table.select(offers::id).order(offers::id.desc()).limit(page.fetch()).into_boxed();
    query = match of {
        Of::MadeBy(user) => query.filter(offers::user_id.eq(user)),
        Of::ReceivedBy(user) => query.filter(offers::consumer_user_id.eq(user)),
        Of::Request(request) => query.filter(offers::request_id.eq(request)),
        Of::RequestBy(request, user) => {
            query.filter(offers::request_id.eq(request)).filter(offers::user_id.eq(user))
        }
        Of::Everyone => query,
    };
    query = match stored {
        Stored::Any => query,
        Stored::As(state) => query.filter(offers::status.eq(state)),
        Stored::Valid(state) => query.filter(offers::status.eq(state)).filter(offers::valid_until.gt(now)),
        Stored::Overdue(state) => query.filter(offers::status.eq(state)).filter(offers::valid_until.le(now)),
    };
    if let Some(before) = page.before {
        query = query.filter(offers::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}

/// Live offers that have expired, earliest expiry first.
pub(super) fn overdue(
    uow: &mut UnitOfWork<'_>,
    after: Option<Due<OfferId>>,
    limit: u16,
) -> Result<Vec<Due<OfferId>>, DbError> {
    let now = uow.now();
    let mut query = offers::table
        .filter(is_live!())
        .filter(offers::valid_until.le(now))
        .order((offers::valid_until.asc(), offers::id.asc()))
        .limit(i64::from(limit))
        .select((offers::valid_until, offers::id))
        .into_boxed();
    if let Some(Due { at, id }) = after {
        query =
            query.filter(offers::valid_until.gt(at).or(offers::valid_until.eq(at).and(offers::id.gt(id))));
    }
    let rows = query.load::<(Timestamp, OfferId)>(uow.conn())?;
    Ok(rows.into_iter().map(|(at, id)| Due { at, id }).collect())
}

/// The user's offers that are stored as live.
pub(super) fn live_by(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limit: u16,
) -> Result<Vec<(OfferId, RequestId)>, DbError> {
    Ok(offers::table
        .filter(offers::user_id.eq(user).and(is_live!()))
        .order(offers::id.asc())
        .limit(i64::from(limit))
        .select((offers::id, offers::request_id))
        .load(uow.conn())?)
}

/// Ids of suspended users' offers that are stored as live.
pub(super) fn of_suspended(
    uow: &mut UnitOfWork<'_>,
    after: Option<OfferId>,
    limit: u16,
) -> Result<Vec<OfferId>, DbError> {
    let suspended = users::table.filter(users::is_active.eq(false)).select(users::id);
    let mut query = offers::table
        .filter(offers::user_id.eq_any(suspended).and(is_live!()))
        .order(offers::id.asc())
        .limit(i64::from(limit))
        .select(offers::id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(offers::id.gt(after));
    }
    Ok(query.load(uow.conn())?)
}
