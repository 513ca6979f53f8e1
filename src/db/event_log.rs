//! The event log: replay, and deletion from the oldest on. Appending is `append`'s; what an event means is the
//! domain's, who receives it the hub's.
//!
//! `rooms.head` is the position of a room's newest event. Appending locks that row until the commit, which
//! makes `seq` gapless and its order the commit order. `rooms.tail` is the position up to which events were deleted:
//! the log has those after it, up to `head`.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
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

/// Positions of the newest events of several rooms, in their order.
pub(crate) fn heads(connection: &mut DbConnection, rooms: &[Room]) -> Result<Vec<Seq>, DbError> {
    let names: Vec<String> = rooms.iter().map(Room::to_string).collect();
    match connection {
        DbConnection::Sqlite(_) => rooms.iter().map(|room| head(connection, room)).collect(),
        DbConnection::Postgresql(c) => {
            let heads: Vec<Option<i64>> = Heads { names: &names }.load(c)?;
            Ok(heads.into_iter().map(|head| head.map_or(Seq::START, Seq::from_i64)).collect())
        }
    }
}

/// The events of several rooms, each after a position, oldest first, at most `limit` of each. A room with a row that
/// cannot be read fails alone.
pub(crate) fn after_each(
    connection: &mut DbConnection,
    reads: &[(Room, Seq)],
    limit: usize,
) -> Result<Vec<Result<Vec<Envelope>, DbError>>, DbError> {
    let DbConnection::Postgresql(c) = connection else {
        let each = reads.iter().map(|(room, since)| after(connection, room, *since, limit));
        return Ok(each.collect());
    };
    let names: Vec<String> = reads.iter().map(|(room, _)| room.to_string()).collect();
    let sinces: Vec<i64> = reads.iter().map(|(_, since)| since.as_i64()).collect();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<(i64, Row)> = AfterEach { names: &names, sinces: &sinces, limit }.load(c)?;
    let mut found: Vec<Result<Vec<Envelope>, DbError>> = reads.iter().map(|_| Ok(Vec::new())).collect();
    for (number, row) in rows {
        // Rooms are numbered from 1.
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let (Some((room, _)), Some(events)) = (reads.get(index), found.get_mut(index)) else { continue };
        match (row.into_envelope(room), &mut *events) {
            (Ok(event), Ok(events)) => events.push(event),
            (Err(error), Ok(_)) => *events = Err(error),
            (_, Err(_)) => {}
        }
    }
    Ok(found)
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
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let oldest = events::table
        .filter(events::room.eq(room).and(events::seq.gt(tail)))
        .filter(events::seq.le(head.saturating_sub(i64::from(kept))))
        .order(events::seq.asc())
        .limit(limit)
        .select((events::seq, events::at))
        .load::<(i64, Timestamp)>(connection)?;
    // Up to the first that is to be kept: clocks of servers differ, and the log must have no hole.
    let old = oldest.into_iter().take_while(|(_, at)| *at < older_than);
    let Some((last, _)) = old.last() else { return Ok(0) };
    let deleted = match connection {
        // By where the rows lie: PostgreSQL takes positions to be independent of rooms, expects that most rows of the
        // table are below a position that most rooms never reach, and would read them all.
        DbConnection::Postgresql(c) => diesel::sql_query(
            "DELETE FROM events WHERE ctid = ANY (ARRAY (SELECT ctid FROM events \
             WHERE room = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4))",
        )
        .bind::<Text, _>(room)
        .bind::<BigInt, _>(tail)
        .bind::<BigInt, _>(last)
        .bind::<BigInt, _>(limit)
        .execute(c)?,
        DbConnection::Sqlite(c) => {
            let of_room = events::table.filter(events::room.eq(room));
            diesel::delete(of_room.filter(events::seq.gt(tail)).filter(events::seq.le(last))).execute(c)?
        }
    };
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

/// The heads of several rooms. Prepared once, whatever their number, like [`AfterEach`].
struct Heads<'a> {
    names: &'a [String],
}

impl QueryId for Heads<'_> {
    type QueryId = Heads<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Heads<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT rooms.head FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(self.names)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (name, number) LEFT JOIN rooms ON rooms.name = asked.name \
             ORDER BY asked.number",
        );
        Ok(())
    }
}

impl Query for Heads<'_> {
    type SqlType = Nullable<BigInt>;
}

impl<C> RunQueryDsl<C> for Heads<'_> {}

/// The events of several rooms after a position each.
struct AfterEach<'a> {
    names: &'a [String],
    sinces: &'a [i64],
    limit: i64,
}

impl QueryId for AfterEach<'_> {
    type QueryId = AfterEach<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for AfterEach<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT asked.number, found.seq, found.kind, found.by_user, found.at, found.data FROM unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(self.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(self.sinces)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (room, since, number) CROSS JOIN LATERAL \
             (SELECT seq, kind, by_user, at, data FROM events WHERE events.room = asked.room \
             AND events.seq > asked.since ORDER BY events.seq LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS found ORDER BY asked.number, found.seq");
        Ok(())
    }
}

impl Query for AfterEach<'_> {
    type SqlType = (BigInt, (BigInt, Text, Nullable<Text>, BigInt, Text));
}

impl<C> RunQueryDsl<C> for AfterEach<'_> {}
