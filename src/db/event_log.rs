//! The event log: replay. Appending is `append`'s; what an event means is the domain's, who receives it the
//! hub's.
//!
//! `rooms.head` is the position of a room's newest event. Appending locks that row until the commit, which
//! makes `seq` gapless and its order the commit order.

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::schema::{events, read_markers, rooms};
use crate::db::{DbConnection, DbError};
use crate::events::Envelope;
use crate::ids::{Room, Seq, UserId};

/// Position of the room's newest event; zero for an empty log.
pub(crate) fn head(connection: &mut DbConnection, room: &Room) -> Result<Seq, DbError> {
    let head = rooms::table.find(room.to_string()).select(rooms::head).first::<i64>(connection).optional()?;
    Ok(head.map_or(Seq::START, Seq::from_i64))
}

/// The room's events after `since`, oldest first, at most `limit`.
pub fn after(
    connection: &mut DbConnection,
    room: &Room,
    since: Seq,
    limit: usize,
) -> Result<Vec<Envelope>, DbError> {
    let rows = events::table
        .filter(events::room.eq(room.to_string()).and(events::seq.gt(since.as_i64())))
        .order(events::seq.asc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(COLUMNS)
        .load::<Row>(connection)?;
    rows.into_iter().map(|row| row.into_envelope(room)).collect()
}

/// The room's events before `before` (from the newest if `None`), oldest first, at most `limit`, and whether
/// older ones exist.
pub(crate) fn before(
    connection: &mut DbConnection,
    room: &Room,
    before: Option<Seq>,
    limit: usize,
) -> Result<(Vec<Envelope>, bool), DbError> {
    let mut rows = events::table
        .filter(events::room.eq(room.to_string()))
        .filter(events::seq.lt(before.map_or(i64::MAX, Seq::as_i64)))
        .order(events::seq.desc())
        .limit(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))
        .select(COLUMNS)
        .load::<Row>(connection)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    rows.reverse();
    let page = rows.into_iter().map(|row| row.into_envelope(room)).collect::<Result<_, _>>()?;
    Ok((page, has_more))
}

/// Deletes the whole log of a room, and how far it was read: for a room that ends and whose id is never used
/// again. Use cases go through the repository of the room's noun.
pub(crate) fn erase(connection: &mut DbConnection, room: &Room) -> Result<(), DbError> {
    let name = room.to_string();
    diesel::delete(rooms::table.find(&name)).execute(connection)?;
    diesel::delete(events::table.filter(events::room.eq(&name))).execute(connection)?;
    diesel::delete(read_markers::table.filter(read_markers::room.eq(&name))).execute(connection)?;
    Ok(())
}

type Columns = (events::seq, events::kind, events::by_user, events::at, events::data);
const COLUMNS: Columns = (events::seq, events::kind, events::by_user, events::at, events::data);

#[derive(Queryable)]
struct Row {
    seq: i64,
    kind: String,
    by: Option<UserId>,
    at: Timestamp,
    data: String,
}

impl Row {
    fn into_envelope(self, room: &Room) -> Result<Envelope, DbError> {
        Ok(Envelope {
            room: room.clone(),
            seq: Seq::from_i64(self.seq),
            kind: self.kind.into(),
            by: self.by,
            at: self.at,
            data: RawValue::from_string(self.data)?.into(),
        })
    }
}
