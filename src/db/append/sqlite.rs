//! The statement that takes an event's position on SQLite. Written by hand, because Diesel writes the text of an
//! upsert anew at each run.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

/// Moves the head of the room on by `count`; returns the new head.
pub(super) fn advance(connection: &mut SqliteConnection, name: &str, count: i64) -> QueryResult<i64> {
    Advance { name, count }.get_result(connection)
}

struct Advance<'a> {
    name: &'a str,
    count: i64,
}

impl QueryId for Advance<'_> {
    type QueryId = Advance<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Advance<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO rooms (name, head) VALUES (");
        out.push_bind_param::<Text, _>(self.name)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.count)?;
        out.push_sql(") ON CONFLICT (name) DO UPDATE SET head = head + excluded.head RETURNING head");
        Ok(())
    }
}

impl Query for Advance<'_> {
    type SqlType = BigInt;
}

impl<C> RunQueryDsl<C> for Advance<'_> {}
