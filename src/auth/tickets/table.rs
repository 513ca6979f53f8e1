//! Tickets in a table that all nodes share. A row holds the token encrypted, with a key that only the ticket
//! gives; deleting the row redeems the ticket, which one node alone can do.

use diesel::prelude::*;

use crate::auth::expired::{self, Expiring};
use crate::clock::Timestamp;
use crate::db::schema::tickets;
use crate::db::{DbError, UnitOfWork, each};
use crate::ids::UserId;

/// Most tickets that wait for one user; a further one replaces the oldest.
pub(super) const MAX_PER_USER: i64 = 32;

/// Stores a new ticket.
pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    id: &str,
    user: UserId,
    sealed: &str,
    until: Timestamp,
) -> Result<(), DbError> {
    diesel::insert_into(tickets::table)
        .values((
            tickets::id.eq(id),
            tickets::user_id.eq(user),
            tickets::sealed_token.eq(sealed),
            tickets::expires_at.eq(until),
        ))
        .execute(uow.conn())?;
    let surplus: Vec<String> = tickets::table
        .filter(tickets::user_id.eq(user))
        .order((tickets::expires_at.desc(), tickets::id))
        .offset(MAX_PER_USER)
        .limit(MAX_PER_USER)
        .select(tickets::id)
        .load(uow.conn())?;
    if !surplus.is_empty() {
        diesel::delete(tickets::table.filter(tickets::id.eq_any(surplus))).execute(uow.conn())?;
    }
    Ok(())
}

/// Takes out the sealed token of a ticket, with the ticket's end. A second taker waits for the first one's
/// commit, and finds nothing.
pub(super) fn take(uow: &mut UnitOfWork<'_>, id: &str) -> Result<Option<(String, Timestamp)>, DbError> {
    let taken = each!(uow.conn(), |c| diesel::delete(tickets::table.find(id))
        .returning((tickets::sealed_token, tickets::expires_at))
        .get_result(c)
        .optional())?;
    Ok(taken)
}

/// Deletes up to `batch` tickets that nobody has redeemed in time; returns the number.
pub(super) fn delete_expired(uow: &mut UnitOfWork<'_>, batch: i64) -> Result<usize, DbError> {
    expired::delete(uow, &Expiring { table: "tickets", id: "id", until: "expires_at" }, batch)
}
