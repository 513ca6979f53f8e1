//! Use cases of reflections: storing, reading, listing, deleting.

use std::time::Duration;

use crate::db::UnitOfWork;
use crate::domain::entries::cipher::CipherError;
use crate::domain::entries::service::{find_for_reflection, find_sealed};
use crate::domain::entries::{DataKey, Journal, Place};
use crate::domain::policy::{Need, Scope};
use crate::domain::users;
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{EntryId, ReflectionId, UserId};

use super::repository::{self, Row};
use super::{Reflection, ReflectionCreated, ReflectionDeleted};

/// A reflection to store: whole, never a part of one. No `Debug`, so that its text reaches no log.
#[derive(Clone)]
pub(crate) struct NewReflection {
    /// Its id, which its followers know already.
    pub(crate) id: ReflectionId,
    /// The entry that it is about.
    pub(crate) entry_id: EntryId,
    /// The version of the entry that it is about.
    pub(crate) entry_version: i64,
    /// The name of the generator.
    pub(crate) generator: &'static str,
    /// The text itself.
    pub(crate) text: String,
}

/// Requires that the caller owns the entry.
pub(crate) fn authorize(uow: &mut UnitOfWork<'_>, scope: &Scope, entry: EntryId) -> Result<(), Error> {
    find_for_reflection(uow, scope, entry).map(drop)
}

/// Stores a reflection, if the entry still exists.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    new: &NewReflection,
) -> Result<(), Error> {
    let entry = find_for_reflection(uow, scope, new.entry_id)?;
    // Whoever was suspended while it was being written gets nothing more.
    if !users::repository::find(uow, entry.user_id)?.is_some_and(|user| user.is_active) {
        return Err(Error::Forbidden { action: "reflect", kind: Kind::Entry, needed: Need::Owner });
    }
    let key = journal.data_key_or_new(uow, entry.user_id)?;
    let row = Row {
        id: new.id,
        entry_id: new.entry_id,
        entry_version: new.entry_version,
        generator: new.generator.to_owned(),
        text: key.seal(&place(&new.id), &new.text)?,
        created_at: uow.now(),
    };
    repository::insert(uow, &entry, &row)?;
    let event = ReflectionCreated { reflection_id: new.id, entry_id: new.entry_id, owner: entry.user_id };
    uow.record(Some(scope.user()), &event);
    Ok(())
}

/// A reflection on the entry.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    entry: EntryId,
    id: ReflectionId,
) -> Result<Option<Reflection>, Error> {
    let entry = find_sealed(uow, scope, entry)?;
    let Some(row) = repository::find(uow, entry.id, id)? else { return Ok(None) };
    let key = journal.data_key(uow, entry.user_id)?;
    open(row, key.as_ref(), entry.user_id).map(Some)
}

/// The newest reflection on the entry, if there is one.
pub(crate) fn latest(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    entry: EntryId,
) -> Result<Option<Reflection>, Error> {
    let newest = list(uow, journal, scope, entry, Page { before: None, limit: 1 })?;
    Ok(newest.items.into_iter().next())
}

/// The entry's reflections, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    entry: EntryId,
    page: Page<ReflectionId>,
) -> Result<Slice<Reflection, ReflectionId>, Error> {
    let entry = find_sealed(uow, scope, entry)?;
    let Slice { items, next } = page.slice(repository::of_entry(uow, entry.id, page)?, |row| row.id);
    let key = journal.data_key(uow, entry.user_id)?;
    let items =
        items.into_iter().map(|row| open(row, key.as_ref(), entry.user_id)).collect::<Result<_, _>>()?;
    Ok(Slice { items, next })
}

/// Deletes a reflection on the entry.
pub(crate) fn delete(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    entry: EntryId,
    id: ReflectionId,
) -> Result<(), Error> {
    let entry = find_for_reflection(uow, scope, entry)?;
    if repository::delete(uow, &entry, id)? == 0 {
        return Err(Error::NotFound(Kind::Reflection));
    }
    let event = ReflectionDeleted { reflection_id: id, entry_id: entry.id, owner: entry.user_id };
    uow.record(Some(scope.user()), &event);
    Ok(())
}

/// Whether the entry has this reflection. The caller must have been authorized for the entry.
pub(crate) fn exists(uow: &mut UnitOfWork<'_>, entry: EntryId, id: ReflectionId) -> Result<bool, Error> {
    Ok(repository::find(uow, entry, id)?.is_some())
}

/// The refusal of yet another reflection while so many are being written.
pub(crate) fn too_many() -> Error {
    let detail = "as many reflections of yours are being written as may be at once; wait for one to end";
    Error::Limited { detail, retry_after: Duration::from_secs(5) }
}

/// The refusal of a second reflection while one is being written.
pub(crate) fn in_progress() -> Error {
    Error::Taken { code: "in_progress", detail: "a reflection on this entry is being written" }
}

/// The refusal to cancel what is not being written.
pub(crate) fn not_in_progress() -> Error {
    Error::Taken { code: "not_in_progress", detail: "no reflection on this entry is being written" }
}

fn open(row: Row, key: Option<&DataKey>, user: UserId) -> Result<Reflection, Error> {
    let Row { id, entry_id, entry_version, generator, text, created_at } = row;
    // A row exists only where a key was made for its owner.
    let key = key.ok_or(CipherError::NoDataKey { user })?;
    let text = key.open(&place(&id), &text)?;
    Ok(Reflection { id, entry_id, entry_version, generator, text, created_at })
}

fn place(id: &ReflectionId) -> Place<'_> {
    Place { table: "reflections", row: id.as_str(), column: "text" }
}
