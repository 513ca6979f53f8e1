//! Read markers: each user's read position in each room.

use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::db::schema::read_markers;
use crate::db::{DbError, UnitOfWork, each, event_log};
use crate::ids::{Room, Seq, UserId};

/// Advances the user's read position to `up_to`, and returns the resulting position.
///
/// Never backwards, since several devices report in any order, and never past the room's newest event, or
/// future events would count as read. The caller must have checked the user's access to the room.
pub(crate) fn advance(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    room: &Room,
    up_to: Seq,
) -> Result<Seq, DbError> {
    let up_to = up_to.min(event_log::head(uow.conn(), room)?);
    let marked = of(uow, user, room)?;
    if up_to <= marked {
        return Ok(marked);
    }
    let (name, now) = (room.to_string(), uow.now());
    each!(uow.conn(), |c| diesel::query_dsl::methods::FilterDsl::filter(
        diesel::insert_into(read_markers::table)
            .values((
                read_markers::room.eq(&name),
                read_markers::user_id.eq(user),
                read_markers::seq.eq(up_to.as_i64()),
                read_markers::updated_at.eq(now),
            ))
            .on_conflict((read_markers::room, read_markers::user_id))
            .do_update()
            .set((
                read_markers::seq.eq(excluded(read_markers::seq)),
                read_markers::updated_at.eq(excluded(read_markers::updated_at)),
            )),
        read_markers::seq.lt(excluded(read_markers::seq))
    )
    .execute(c))?;
    of(uow, user, room)
}

/// The user's read position in the room.
pub(crate) fn of(uow: &mut UnitOfWork<'_>, user: UserId, room: &Room) -> Result<Seq, DbError> {
    let seq = read_markers::table
        .find((room.to_string(), user))
        .select(read_markers::seq)
        .get_result::<i64>(uow.conn())
        .optional()?;
    Ok(seq.map_or(Seq::START, Seq::from_i64))
}
