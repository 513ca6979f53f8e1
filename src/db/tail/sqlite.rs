//! SQLite: commits are ordered, so a position is enough to go on.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::clock::Timestamp;
use crate::db::schema::commits;
use crate::db::{DbError, UnitOfWork};
use crate::ids::NodeId;

use super::{Commit, CommitRow};

/// Rows read at once.
const PAGE: i64 = 500;

/// What was read of `commits`.
pub(crate) struct CommitsRead {
    /// The commits, oldest first.
    pub(crate) commits: Vec<Commit>,
    /// The position to go on from.
    pub(crate) position: i64,
    /// Whether there were no more.
    pub(crate) is_all: bool,
}

/// The commits of other processes after a position (0: all that are kept).
pub(crate) fn commits_after(
    uow: &mut UnitOfWork<'_>,
    reader: NodeId,
    position: i64,
) -> Result<CommitsRead, DbError> {
    let rows: Vec<(i64, CommitRow)> = commits::table
        .filter(sql::<Bool>("id > ").bind::<BigInt, _>(position))
        .order(sql::<BigInt>("id"))
        .limit(PAGE)
        .select((
            sql::<BigInt>("id"),
            (
                commits::node,
                commits::rooms,
                commits::revocations,
                commits::admin_events.is_not_null(),
                commits::presence,
            ),
        ))
        .load(uow.conn())?;
    let position = rows.last().map_or(position, |(id, _)| *id);
    let is_all = i64::try_from(rows.len()).is_ok_and(|read| read < PAGE);
    let commits = rows.into_iter().map(|(_, row)| row.into_commit(reader)).collect::<Result<_, _>>()?;
    Ok(CommitsRead { commits, position, is_all })
}

/// Deletes what was committed before `before`; returns the number of rows.
pub(crate) fn forget_commits(uow: &mut UnitOfWork<'_>, before: Timestamp) -> Result<usize, DbError> {
    Ok(diesel::delete(commits::table.filter(commits::at.lt(before))).execute(uow.conn())?)
}
