//! Storage of consumer profiles: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::consumers;
use crate::db::{DbError, UnitOfWork};
use crate::domain::place::{Address, Place, Point};
use crate::domain::policy::Authorized;
use crate::ids::{ConsumerId, UserId};

use super::{Consumer, DisplayName, Profile};

#[derive(Queryable, Selectable)]
#[diesel(table_name = consumers)]
struct Row {
    id: ConsumerId,
    user_id: UserId,
    display_name: DisplayName,
    address: Option<Address>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for Consumer {
    fn from(row: Row) -> Self {
        // The schema requires both coordinates or none, and checks their bounds.
        let point = Point::from_parts(row.latitude, row.longitude).ok().flatten();
        Self {
            id: row.id,
            user_id: row.user_id,
            profile: Profile { display_name: row.display_name, place: Place { address: row.address, point } },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: ConsumerId) -> Result<Option<Consumer>, DbError> {
    let row = consumers::table.find(id).select(Row::as_select()).get_result(uow.conn()).optional()?;
    Ok(row.map(Consumer::from))
}

/// The consumer id of a user, if they have a consumer profile.
pub(crate) fn id_of(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Option<ConsumerId>, DbError> {
    let theirs = consumers::table.filter(consumers::user_id.eq(user)).select(consumers::id);
    Ok(theirs.get_result(uow.conn()).optional()?)
}

pub(super) fn update_profile(
    uow: &mut UnitOfWork<'_>,
    consumer: Authorized<Consumer>,
    profile: Profile,
) -> Result<Consumer, DbError> {
    let updated_at = uow.now();
    let updated = diesel::update(consumers::table.find(consumer.id))
        .filter(consumers::version.eq(consumer.version))
        .set((
            consumers::display_name.eq(&profile.display_name),
            consumers::address.eq(&profile.place.address),
            consumers::latitude.eq(profile.place.point.map(Point::latitude)),
            consumers::longitude.eq(profile.place.point.map(Point::longitude)),
            consumers::version.eq(consumer.version + 1),
            consumers::updated_at.eq(updated_at),
        ))
        .execute(uow.conn())?;
    if updated != 1 {
        return Err(DbError::Contended("the consumer changed meanwhile".into()));
    }
    Ok(Consumer { profile, version: consumer.version + 1, updated_at, ..consumer.into_row() })
}
