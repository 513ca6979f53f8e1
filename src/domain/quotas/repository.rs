//! Storage of usage: queries and writes, no decisions. Counting concerns the caller alone, who was authorized
//! for what is counted.

use diesel::prelude::*;

use crate::db::schema::daily_usage;
use crate::db::{DbError, UnitOfWork, each};
use crate::ids::UserId;

/// Messages, plans, characters.
pub(super) type Counts = (i64, i64, i64);

const COUNTS: (daily_usage::messages, daily_usage::plans, daily_usage::characters) =
    (daily_usage::messages, daily_usage::plans, daily_usage::characters);

pub(super) fn find(uow: &mut UnitOfWork<'_>, user: UserId, day: i64) -> Result<Counts, DbError> {
    let counts = daily_usage::table.find((user, day)).select(COUNTS).get_result(uow.conn()).optional()?;
    Ok(counts.unwrap_or_default())
}

/// Adds to what was counted, and returns the sums. Locks the row until the commit.
pub(super) fn add(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    day: i64,
    (messages, plans, characters): Counts,
) -> Result<Counts, DbError> {
    Ok(each!(uow.conn(), |c| diesel::insert_into(daily_usage::table)
        .values((
            daily_usage::user_id.eq(user),
            daily_usage::day.eq(day),
            daily_usage::messages.eq(messages),
            daily_usage::plans.eq(plans),
            daily_usage::characters.eq(characters),
        ))
        .on_conflict((daily_usage::user_id, daily_usage::day))
        .do_update()
        .set((
            daily_usage::messages.eq(daily_usage::messages + messages),
            daily_usage::plans.eq(daily_usage::plans + plans),
            daily_usage::characters.eq(daily_usage::characters + characters),
        ))
        .returning(COUNTS)
        .get_result(c))?)
}

/// Deletes at most `limit` rows of what was counted before this day, oldest first; returns their number.
pub(super) fn delete_before(uow: &mut UnitOfWork<'_>, day: i64, limit: u16) -> Result<usize, DbError> {
    let old: Vec<(i64, UserId)> = daily_usage::table
        .filter(daily_usage::day.lt(day))
        .order(daily_usage::day.asc())
        .limit(i64::from(limit))
        .select((daily_usage::day, daily_usage::user_id))
        .load(uow.conn())?;
    let mut deleted = 0;
    for rows in old.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((day, _)) = rows.first() else { continue };
        let users: Vec<UserId> = rows.iter().map(|(_, user)| *user).collect();
        let of_day = daily_usage::table.filter(daily_usage::day.eq(day));
        deleted += diesel::delete(of_day.filter(daily_usage::user_id.eq_any(users))).execute(uow.conn())?;
    }
    Ok(deleted)
}
