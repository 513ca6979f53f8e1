//! Storage of journal entries: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::entries;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::policy::{Authorized, Scope};
use crate::ids::EntryId;

use super::Entry;

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: EntryId) -> Result<Option<Entry>, DbError> {
    Ok(entries::table.find(id).select(Entry::as_select()).first(uow.conn()).optional()?)
}

/// The caller's entries, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<EntryId>,
) -> Result<Vec<Entry>, DbError> {
    let mut query = entries::table.filter(entries::user_id.eq(scope.user())).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(entries::id.lt(before));
    }
    Ok(query.order(entries::id.desc()).limit(page.fetch()).select(Entry::as_select()).load(uow.conn())?)
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, entry: &Authorized<Entry>) -> Result<(), DbError> {
    diesel::insert_into(entries::table)
        .values((
            entries::id.eq(entry.id),
            entries::user_id.eq(entry.user_id),
            entries::title.eq(&entry.title),
            entries::text.eq(&entry.text),
            entries::version.eq(entry.version),
            entries::created_at.eq(entry.created_at),
            entries::updated_at.eq(entry.updated_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}
