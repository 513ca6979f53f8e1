//! Storage of journal entries: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::entries;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope};
use crate::ids::{EntryId, UserId};

use super::{Entry, SealedContent, SealedEntry};

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Row {
    id: EntryId,
    user_id: UserId,
    title: Option<String>,
    text: String,
    sealed: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for SealedEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            content: SealedContent { title: row.title, text: row.text, is_sealed: row.sealed },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: EntryId) -> Result<Option<SealedEntry>, DbError> {
    let row = entries::table.find(id).select(Row::as_select()).get_result(uow.conn()).optional()?;
    Ok(row.map(SealedEntry::from))
}

/// Up to `limit` of the caller's entries older than `before`, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    before: Option<EntryId>,
    limit: i64,
) -> Result<Vec<SealedEntry>, DbError> {
    let mut query = entries::table.filter(entries::user_id.eq(scope.user())).into_boxed();
    if let Some(before) = before {
        query = query.filter(entries::id.lt(before));
    }
    let query = query.order(entries::id.desc()).limit(limit).select(Row::as_select());
    Ok(query.load(uow.conn())?.into_iter().map(SealedEntry::from).collect())
}

/// Up to `limit` entries of anybody that an older version stored as plain text.
pub(super) fn plain(uow: &mut UnitOfWork<'_>, limit: i64) -> Result<Vec<SealedEntry>, DbError> {
    let query = entries::table.filter(diesel::dsl::not(entries::sealed)).order(entries::id).limit(limit);
    Ok(query.select(Row::as_select()).load(uow.conn())?.into_iter().map(SealedEntry::from).collect())
}

pub(super) fn insert<C>(
    uow: &mut UnitOfWork<'_>,
    entry: &Authorized<Entry<C>>,
    content: &SealedContent,
) -> Result<(), DbError> {
    diesel::insert_into(entries::table)
        .values((
            entries::id.eq(entry.id),
            entries::user_id.eq(entry.user_id),
            entries::title.eq(&content.title),
            entries::text.eq(&content.text),
            entries::sealed.eq(content.is_sealed),
            entries::version.eq(entry.version),
            entries::created_at.eq(entry.created_at),
            entries::updated_at.eq(entry.updated_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Updates an entry unless it changed since it was read; returns the number of rows.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    entry: &Authorized<SealedEntry>,
    content: &SealedContent,
) -> Result<usize, DbError> {
    let now = uow.now();
    let seen = entries::table.find(entry.id).filter(entries::version.eq(entry.version));
    Ok(diesel::update(seen)
        .set((
            entries::title.eq(&content.title),
            entries::text.eq(&content.text),
            entries::sealed.eq(content.is_sealed),
            entries::version.eq(entry.version + 1),
            entries::updated_at.eq(now),
        ))
        .execute(uow.conn())?)
}

/// Replaces plain text by the same, sealed; to readers nothing has changed. Does nothing if another server
/// was faster.
pub(super) fn seal(
    uow: &mut UnitOfWork<'_>,
    entry: &Authorized<SealedEntry>,
    content: &SealedContent,
) -> Result<(), DbError> {
    let seen = entries::table.find(entry.id).filter(entries::version.eq(entry.version));
    diesel::update(seen.filter(entries::sealed.eq(false)))
        .set((
            entries::title.eq(&content.title),
            entries::text.eq(&content.text),
            entries::sealed.eq(content.is_sealed),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Deletes an entry, and with it its reflections, unless it changed since it was read; returns the number of
/// rows.
pub(super) fn delete(uow: &mut UnitOfWork<'_>, entry: &Authorized<SealedEntry>) -> Result<usize, DbError> {
    let seen = entries::table.find(entry.id).filter(entries::version.eq(entry.version));
    Ok(diesel::delete(seen).execute(uow.conn())?)
}
