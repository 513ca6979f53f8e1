//! The event log: replay, and deletion from the oldest on. Appending is `append`'s; what an event means is the
//! domain's, who receives it the hub's.
//!
//! `rooms.head` is the position of a room's newest event. Appending locks that row until the commit, which
//! makes `seq` gapless and its order the commit order. `rooms.tail` is the position up to which events were deleted:
//! the log has those after it, up to `head`.

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::schema::{events, read_markers, rooms};
use crate::db::{DbConnection, DbError};
use crate::events::Envelope;
use crate::ids::{Room, Seq, UserId};

/// Position of the room's newest event; zero for an empty log.
pub(crate) fn head(connection: &mut DbConnection, room: &Room) -> Result<Seq, DbError> {
    let head =
        rooms::table.find(room.to_string()).select(rooms::head).get_result::<i64>(connection).optional()?;
    Ok(head.map_or(Seq::START, Seq::from_i64))
}

/// Position up to which the room's events were deleted, and position of its newest event.
pub(crate) fn span(connection: &mut DbConnection, room: &Room) -> Result<(Seq, Seq), DbError> {
    let found = rooms::table.find(room.to_string()).select((rooms::tail, rooms::head));
    let span = found.get_result::<(i64, i64)>(connection).optional()?;
    Ok(span.map_or((Seq::START, Seq::START), |(tail, head)| (Seq::from_i64(tail), Seq::from_i64(head))))
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

/// Names of rooms.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// That of one room.
    Exactly(&'static str),
    /// Those of one kind: what precedes the colon.
    Kind(&'static str),
}

/// The names of rooms after this one, in their order, at most `limit`, and how many events each has.
pub(crate) fn lengths(
    connection: &mut DbConnection,
    named: Named,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, i64)>, DbError> {
    let mut query = rooms::table.filter(rooms::name.gt(after.to_owned())).into_boxed();
    query = match named {
        Named::Exactly(name) => query.filter(rooms::name.eq(name)),
        // A range, which the primary key answers: `;` is what follows `:`.
        Named::Kind(kind) => {
            query.filter(rooms::name.gt(format!("{kind}:"))).filter(rooms::name.lt(format!("{kind};")))
        }
    };
    let page = query.order(rooms::name).limit(limit).select((rooms::name, rooms::head - rooms::tail));
    Ok(page.load(connection)?)
}

/// Deletes the room's oldest events, at most `limit` and from before `older_than`, but none of the `kept` newest;
/// returns their number.
pub(crate) fn trim(
    connection: &mut DbConnection,
    room: &str,
    older_than: Timestamp,
    kept: u32,
    limit: usize,
) -> Result<usize, DbError> {
    let span = rooms::table.find(room).select((rooms::tail, rooms::head));
    // Locked first, as by `append`. SQLite has a single writer.
    let span = match connection {
        DbConnection::Postgresql(c) => span.for_no_key_update().get_result::<(i64, i64)>(c).optional()?,
        DbConnection::Sqlite(c) => span.get_result::<(i64, i64)>(c).optional()?,
    };
    let Some((tail, head)) = span else { return Ok(0) };
    let oldest = events::table
        .filter(events::room.eq(room).and(events::seq.gt(tail)))
        .filter(events::seq.le(head.saturating_sub(i64::from(kept))))
        .order(events::seq.asc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((events::seq, events::at))
        .load::<(i64, Timestamp)>(connection)?;
    // Up to the first that is to be kept: clocks of servers differ, and the log must have no hole.
    let old = oldest.into_iter().take_while(|(_, at)| *at < older_than);
    let Some((last, _)) = old.last() else { return Ok(0) };
    let gone =
        events::table.filter(events::room.eq(room).and(events::seq.gt(tail)).and(events::seq.le(last)));
    let deleted = diesel::delete(gone).execute(connection)?;
    diesel::update(rooms::table.find(room)).set(rooms::tail.eq(last)).execute(connection)?;
    Ok(deleted)
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
