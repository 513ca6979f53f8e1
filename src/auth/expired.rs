//! Deleting rows that mean nothing any more, a bounded number at a time.

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;

use crate::db::{DbError, UnitOfWork};

/// A table whose rows end by themselves.
pub(super) struct Expiring {
    pub(super) table: &'static str,
    /// The column that says which rows end together.
    pub(super) id: &'static str,
    /// The column that says when.
    pub(super) until: &'static str,
}

/// Deletes up to `batch` rows whose time is over, and returns their number. On PostgreSQL it waits for nobody:
/// rows that another node deletes, or that somebody gives more time, are left alone.
pub(super) fn delete(uow: &mut UnitOfWork<'_>, from: &Expiring, batch: i64) -> Result<usize, DbError> {
    let Expiring { table, id, until } = from;
    let unlocked = if uow.conn().is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "DELETE FROM {table} WHERE {id} IN \
         (SELECT {id} FROM {table} WHERE {until} <= $1 ORDER BY {until} LIMIT $2 {unlocked})"
    );
    let now = uow.now();
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(now).bind::<BigInt, _>(batch).execute(uow.conn())?)
}
