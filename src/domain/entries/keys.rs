//! Storage of the users' data keys: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::journal_keys as keys;
use crate::db::{DbError, UnitOfWork, each};
use crate::ids::UserId;

/// A stored data key.
#[derive(Queryable, Selectable)]
#[diesel(table_name = keys)]
pub(super) struct StoredKey {
    pub(super) user_id: UserId,
    /// The id of the key-encryption key that sealed it.
    pub(super) key_id: String,
    pub(super) sealed_key: String,
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Option<StoredKey>, DbError> {
    Ok(keys::table.find(user).select(StoredKey::as_select()).get_result(uow.conn()).optional()?)
}

/// Inserts a data key unless the user has one. On PostgreSQL a concurrent insert waits here for the first
/// one's commit.
pub(super) fn insert_if_new(uow: &mut UnitOfWork<'_>, key: &StoredKey) -> Result<(), DbError> {
    let now = uow.now();
    each!(uow.conn(), |c| diesel::insert_into(keys::table)
        .values((
            keys::user_id.eq(key.user_id),
            keys::key_id.eq(&key.key_id),
            keys::sealed_key.eq(&key.sealed_key),
            keys::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Ids of key-encryption keys other than this one that sealed a data key, at most three.
pub(super) fn other_key_ids(uow: &mut UnitOfWork<'_>, key_id: &str) -> Result<Vec<String>, DbError> {
    let others = keys::table.filter(keys::key_id.ne(key_id)).select(keys::key_id).distinct();
    Ok(others.order(keys::key_id).limit(3).load(uow.conn())?)
}

/// Keeps others from adding data keys until the unit of work ends. SQLite has one writer anyway.
pub(super) fn lock(uow: &mut UnitOfWork<'_>) -> Result<(), DbError> {
    if uow.conn().is_postgres() {
        diesel::sql_query("LOCK TABLE journal_keys IN SHARE ROW EXCLUSIVE MODE").execute(uow.conn())?;
    }
    Ok(())
}

/// Up to `limit` data keys of users after this one, by id.
pub(super) fn page_after(
    uow: &mut UnitOfWork<'_>,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<StoredKey>, DbError> {
    let mut query = keys::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(keys::user_id.gt(after));
    }
    Ok(query.order(keys::user_id).limit(limit).select(StoredKey::as_select()).load(uow.conn())?)
}

/// Replaces a data key by the same one, sealed anew.
pub(super) fn replace(uow: &mut UnitOfWork<'_>, key: &StoredKey) -> Result<(), DbError> {
    diesel::update(keys::table.find(key.user_id))
        .set((keys::key_id.eq(&key.key_id), keys::sealed_key.eq(&key.sealed_key)))
        .execute(uow.conn())?;
    Ok(())
}
