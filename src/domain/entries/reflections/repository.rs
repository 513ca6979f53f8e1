//! Storage of reflections: queries and writes, no decisions. Writes need an [`Authorized`] entry.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::reflections;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::entries::SealedEntry;
use crate::domain::policy::Authorized;
use crate::ids::{EntryId, ReflectionId};

/// A reflection as it is stored, with its text sealed.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = reflections)]
pub(super) struct Row {
    pub(super) id: ReflectionId,
    pub(super) entry_id: EntryId,
    pub(super) entry_version: i64,
    pub(super) generator: String,
    pub(super) text: String,
    pub(super) created_at: Timestamp,
}

pub(super) fn find(
    uow: &mut UnitOfWork<'_>,
    entry: EntryId,
    id: ReflectionId,
) -> Result<Option<Row>, DbError> {
    let query = reflections::table.find(id).filter(reflections::entry_id.eq(entry));
    Ok(query.select(Row::as_select()).get_result(uow.conn()).optional()?)
}

/// An entry's reflections, newest first.
pub(super) fn of_entry(
    uow: &mut UnitOfWork<'_>,
    entry: EntryId,
    page: Page<ReflectionId>,
) -> Result<Vec<Row>, DbError> {
    let mut query = reflections::table.filter(reflections::entry_id.eq(entry)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(reflections::id.lt(before));
    }
    Ok(query.order(reflections::id.desc()).limit(page.fetch()).select(Row::as_select()).load(uow.conn())?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    entry: &Authorized<SealedEntry>,
    row: &Row,
) -> Result<(), DbError> {
    diesel::insert_into(reflections::table)
        .values((
            reflections::id.eq(row.id),
            reflections::entry_id.eq(entry.id),
            reflections::user_id.eq(entry.user_id),
            reflections::entry_version.eq(row.entry_version),
            reflections::generator.eq(&row.generator),
            reflections::text.eq(&row.text),
            reflections::created_at.eq(row.created_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Returns the number of deleted rows: 0 or 1.
pub(super) fn delete(
    uow: &mut UnitOfWork<'_>,
    entry: &Authorized<SealedEntry>,
    id: ReflectionId,
) -> Result<usize, DbError> {
    let query = reflections::table.find(id).filter(reflections::entry_id.eq(entry.id));
    Ok(diesel::delete(query).execute(uow.conn())?)
}
