//! The two statements by which PostgreSQL appends any number of events. Written by hand, with arrays as parameters:
//! their text is always the same, so each connection prepares it once.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use crate::clock::Timestamp;
use crate::events::Envelope;
use crate::ids::UserId;

use super::Commit;

/// Moves the heads of rooms on; returns the new heads in the order of the rooms.
pub(super) struct Advance<'a> {
    pub(super) names: &'a [String],
    pub(super) counts: &'a [i64],
}

impl QueryId for Advance<'_> {
    type QueryId = Advance<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Advance<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO rooms (name, head) SELECT * FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(self.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(self.counts)?;
        out.push_sql(
            ") ON CONFLICT (name) DO UPDATE SET head = rooms.head + excluded.head RETURNING rooms.head",
        );
        Ok(())
    }
}

impl Query for Advance<'_> {
    type SqlType = BigInt;
}

impl<C> RunQueryDsl<C> for Advance<'_> {}

/// Events by column.
#[derive(Default)]
struct Columns<'a> {
    rooms: Vec<String>,
    seqs: Vec<i64>,
    kinds: Vec<&'a str>,
    by: Vec<Option<UserId>>,
    at: Vec<Timestamp>,
    data: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(events: &'a [Envelope]) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.rooms.push(event.room.to_string());
            columns.seqs.push(event.seq.as_i64());
            columns.kinds.push(&event.kind);
            columns.by.push(event.by);
            columns.at.push(event.at);
            columns.data.push(event.data.get());
        }
        columns
    }
}

/// Inserts events and the row of `commits`.
pub(super) struct InsertAll<'a> {
    events: Columns<'a>,
    commit: Commit,
}

impl<'a> InsertAll<'a> {
    pub(super) fn new(events: &'a [Envelope], commit: Commit) -> Self {
        Self { events: Columns::of(events), commit }
    }
}

impl QueryId for InsertAll<'_> {
    type QueryId = InsertAll<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for InsertAll<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { events, commit } = self;
        out.push_sql(
            "WITH appended AS (INSERT INTO events (room, seq, kind, by_user, at, data) SELECT * FROM unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(&events.rooms)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&events.seqs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&events.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&events.by)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&events.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&events.data)?;
        out.push_sql(
            ")) INSERT INTO commits (node, at, rooms, revocations, admin_events, presence) VALUES (",
        );
        out.push_bind_param::<Text, _>(&commit.node)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&commit.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&commit.rooms)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&commit.revocations)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&commit.admin_events)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&commit.presence)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for InsertAll<'_> {}
