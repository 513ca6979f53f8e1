//! Storage of bookings: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{bookings, projects, providers, requests, sessions, users};
use crate::db::{DbConnection, DbError, UnitOfWork, one_of};
use crate::domain::money::{Currency, Money};
use crate::domain::place::Address;
use crate::domain::policy::{Authorized, Scope};
use crate::domain::requests::Title;
use crate::domain::slot::Slot;
use crate::domain::{Error, Kind, Page};
use crate::ids::{BookingId, ConsumerId, OfferId, ProjectId, ProviderId, RequestId, SessionId, UserId};

use super::{Booking, BookingFilter, State};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = bookings, treat_none_as_null = true)]
struct Row {
    id: BookingId,
    offer_id: OfferId,
    request_id: RequestId,
    consumer_id: ConsumerId,
    provider_id: ProviderId,
    consumer_user_id: UserId,
    provider_user_id: UserId,
    price: i64,
    currency: Currency,
    slot_start: Timestamp,
    slot_end: Timestamp,
    address: Option<Address>,
    status: State,
    completed_by: Option<UserId>,
    cancelled_by: Option<UserId>,
    cancel_reason: Option<String>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Joined columns: the request's title, the session, the project.
type Related = (Title, SessionId, Option<ProjectId>);

impl Row {
    fn of(booking: &Booking) -> Self {
        Self {
            id: booking.id,
            offer_id: booking.offer_id,
            request_id: booking.request_id,
            consumer_id: booking.consumer_id,
            provider_id: booking.provider_id,
            consumer_user_id: booking.consumer_user_id,
            provider_user_id: booking.provider_user_id,
            price: booking.price.amount(),
            currency: booking.price.currency(),
            slot_start: booking.slot.start(),
            slot_end: booking.slot.end(),
            address: booking.address.clone(),
            status: booking.state,
            completed_by: booking.completed_by,
            cancelled_by: booking.cancelled_by,
            cancel_reason: booking.cancel_reason.clone(),
            version: booking.version,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
        }
    }

    fn with(self, (title, session_id, project_id): Related) -> Result<Booking, DbError> {
        Ok(Booking {
            id: self.id,
            offer_id: self.offer_id,
            request_id: self.request_id,
            title,
            consumer_id: self.consumer_id,
            provider_id: self.provider_id,
            consumer_user_id: self.consumer_user_id,
            provider_user_id: self.provider_user_id,
            price: Money::new(self.price, self.currency).map_err(DbError::unreadable)?,
            slot: Slot::new(self.slot_start, self.slot_end).map_err(DbError::unreadable)?,
            address: self.address,
            state: self.status,
            completed_by: self.completed_by,
            cancelled_by: self.cancelled_by,
            cancel_reason: self.cancel_reason,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            session_id,
            project_id,
        })
    }
}

/// Bookings joined with [`Related`].
macro_rules! bookings_with_surroundings {
    () => {
        bookings::table
            .inner_join(requests::table.on(requests::id.eq(bookings::request_id)))
            .inner_join(
                sessions::table.on(sessions::request_id
                    .eq(bookings::request_id)
                    .and(sessions::provider_user_id.eq(bookings::provider_user_id))),
            )
            .left_join(projects::table.on(projects::booking_id.eq(bookings::id.nullable())))
            .select((bookings::all_columns, (requests::title, sessions::id, projects::id.nullable())))
    };
}

/// The request of a booking: to be locked before the booking is read.
pub(super) fn request_of(uow: &mut UnitOfWork<'_>, id: BookingId) -> Result<RequestId, Error> {
    let request = bookings::table.find(id).select(bookings::request_id).get_result(uow.conn()).optional()?;
    request.ok_or(Error::NotFound(Kind::Booking))
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: BookingId) -> Result<Booking, Error> {
    let found = bookings_with_surroundings!()
        .filter(bookings::id.eq(id))
        .get_result::<(Row, Related)>(uow.conn())
        .optional()?;
    let (row, around) = found.ok_or(Error::NotFound(Kind::Booking))?;
    Ok(row.with(around)?)
}

/// Inserts a booking. The schema rejects a second one for its request, and one that overlaps another of its
/// provider.
pub(super) fn insert(uow: &mut UnitOfWork<'_>, booking: &Authorized<Booking>) -> Result<(), DbError> {
    diesel::insert_into(bookings::table).values(Row::of(booking)).execute(uow.conn())?;
    Ok(())
}

/// Updates a booking, provided that its version is unchanged.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    before: &Authorized<Booking>,
    after: Booking,
) -> Result<Booking, Error> {
    let after = Booking { version: before.version + 1, updated_at: uow.now(), ..after };
    let unchanged = bookings::table
        .find(before.id)
        .filter(bookings::status.eq(before.state).and(bookings::version.eq(before.version)));
    match diesel::update(unchanged).set(Row::of(&after)).execute(uow.conn())? {
        1 => Ok(after),
        _ => Err(DbError::Contended("the booking changed meanwhile".into()).into()),
    }
}

/// Whose bookings to list.
pub(super) enum Of {
    /// Those of which this user is a party.
    User(UserId),
    /// Those of which a suspended user is a party.
    Suspended,
    /// All.
    Everyone,
}

impl Of {
    /// The caller's own bookings; for an admin those of the user who is asked for, or all.
    pub(super) fn listed(scope: &Scope, user: Option<UserId>) -> Self {
        match (scope.is_admin(), user) {
            (true, None) => Self::Everyone,
            (true, Some(user)) => Self::User(user),
            (false, _) => Self::User(scope.user()),
        }
    }
}

/// A page of bookings, newest first.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    of: Of,
    filter: &BookingFilter,
    page: Page<BookingId>,
) -> Result<Vec<Booking>, DbError> {
    // First the page, by an index, then what is around its bookings: PostgreSQL expects so little of these joins that
    // it would read whole tables for a page.
    let ids = match of {
        Of::User(user) => {
            let received = ids(uow, Whose::Consumer(user), filter, page)?;
            let taken = ids(uow, Whose::Provider(user), filter, page)?;
            page.newest_of(received, taken, |id| *id)
        }
        Of::Suspended => {
            let received = ids(uow, Whose::SuspendedConsumer, filter, page)?;
            let taken = ids(uow, Whose::SuspendedProvider, filter, page)?;
            page.newest_of(received, taken, |id| *id)
        }
        Of::Everyone => ids(uow, Whose::Everyone, filter, page)?,
    };
    let rows = bookings_with_surroundings!()
        .filter(one_of(bookings::id, ids))
        .order(bookings::id.desc())
        .load::<(Row, Related)>(uow.conn())?;
    rows.into_iter().map(|(row, around)| row.with(around)).collect()
}

/// Whose bookings one query finds.
enum Whose {
    Consumer(UserId),
    Provider(UserId),
    SuspendedConsumer,
    SuspendedProvider,
    Everyone,
}

fn ids(
    uow: &mut UnitOfWork<'_>,
    whose: Whose,
    filter: &BookingFilter,
    page: Page<BookingId>,
) -> Result<Vec<BookingId>, DbError> {
    let newest = bookings::table.select(bookings::id).order(bookings::id.desc());
    let mut query = newest.limit(page.fetch()).into_boxed();
    let suspended = || users::table.filter(users::is_active.eq(false)).select(users::id);
    query = match whose {
        Whose::Consumer(user) => query.filter(bookings::consumer_user_id.eq(user)),
        Whose::Provider(user) => query.filter(bookings::provider_user_id.eq(user)),
        Whose::SuspendedConsumer => query.filter(bookings::consumer_user_id.eq_any(suspended())),
        Whose::SuspendedProvider => query.filter(bookings::provider_user_id.eq_any(suspended())),
        Whose::Everyone => query,
    };
    if let Some(state) = filter.state {
        query = query.filter(bookings::status.eq(state));
    }
    if let Some(before) = page.before {
        query = query.filter(bookings::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}

/// Locks the provider's calendar until the end of the unit of work, which serializes bookings of one
/// provider. Without it PostgreSQL's exclusion constraint would report two concurrent ones as a deadlock,
/// after a second.
pub(super) fn lock_calendar(uow: &mut UnitOfWork<'_>, provider: ProviderId) -> Result<(), DbError> {
    if let DbConnection::Postgresql(connection) = uow.conn() {
        providers::table
            .find(provider)
            .select(providers::id)
            .for_no_key_update()
            .get_result::<ProviderId>(connection)?;
    }
    Ok(())
}
