//! The statements of the tail on PostgreSQL, each prepared once per connection.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::clock::Timestamp;

use super::CommitRow;

/// What became visible since `snapshot`, and the snapshot of now: always at least one row.
pub(super) struct Poll<'a> {
    pub(super) snapshot: &'a str,
}

impl QueryId for Poll<'_> {
    type QueryId = Poll<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// A row of [`Poll`]: the snapshot, and a commit if there is one.
pub(super) type Polled = (String, Option<CommitRow>);

type CommitColumns = (Text, Text, Text, Bool, Nullable<Text>);

/// Transactions that the snapshot did not see are at or above its `xmin`, which the index finds.
impl QueryFragment<Pg> for Poll<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT pg_current_snapshot()::text, c.node, c.rooms, c.revocations, c.admin_events IS NOT NULL, \
             c.presence FROM (SELECT 1) AS one LEFT JOIN commits c ON c.xid >= pg_snapshot_xmin(",
        );
        out.push_bind_param::<Text, _>(self.snapshot)?;
        out.push_sql("::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, ");
        out.push_bind_param::<Text, _>(self.snapshot)?;
        out.push_sql("::pg_snapshot) ORDER BY c.xid");
        Ok(())
    }
}

impl Query for Poll<'_> {
    type SqlType = (Text, Nullable<CommitColumns>);
}

impl<C> RunQueryDsl<C> for Poll<'_> {}

/// Commits of at least this time.
#[derive(QueryId)]
pub(super) struct Since {
    pub(super) from: Timestamp,
}

impl QueryFragment<Pg> for Since {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT node, rooms, revocations, admin_events IS NOT NULL, presence FROM commits WHERE at >= ",
        );
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(" ORDER BY xid");
        Ok(())
    }
}

impl Query for Since {
    type SqlType = CommitColumns;
}

impl<C> RunQueryDsl<C> for Since {}

/// What became visible since `snapshot` for the admins' room, and the snapshot of now: at least one row.
pub(super) struct AdminEventsSince<'a> {
    pub(super) snapshot: &'a str,
}

impl QueryId for AdminEventsSince<'_> {
    type QueryId = AdminEventsSince<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for AdminEventsSince<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT pg_current_snapshot()::text, c.admin_events FROM (SELECT 1) AS one LEFT JOIN commits c \
             ON c.admin_events IS NOT NULL AND c.xid >= pg_snapshot_xmin(",
        );
        out.push_bind_param::<Text, _>(self.snapshot)?;
        out.push_sql("::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, ");
        out.push_bind_param::<Text, _>(self.snapshot)?;
        out.push_sql("::pg_snapshot) ORDER BY c.xid");
        Ok(())
    }
}

impl Query for AdminEventsSince<'_> {
    type SqlType = (Text, Nullable<Text>);
}

impl<C> RunQueryDsl<C> for AdminEventsSince<'_> {}
