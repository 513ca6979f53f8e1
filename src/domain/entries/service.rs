//! Use cases of journal entries: creating, reading, listing.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::EntryId;

use super::{CREATE, Entry, EntryCreated, EntryText, EntryTitle, READ, repository};

/// An entry to create. No `Debug`: private notes must not reach the logs.
#[derive(Clone)]
pub(crate) struct NewEntry {
    /// Optional title.
    pub(crate) title: Option<EntryTitle>,
    /// The text itself.
    pub(crate) text: EntryText,
}

/// Creates an entry in the caller's journal.
pub(crate) fn create(uow: &mut UnitOfWork<'_>, scope: &Scope, new: &NewEntry) -> Result<Entry, Error> {
    let now = uow.now();
    let NewEntry { title, text } = new.clone();
    let id = EntryId::new(now);
    let entry =
        Entry { id, user_id: scope.user(), title, text, version: 1, created_at: now, updated_at: now };
    let entry = authorize(uow, scope, entry, CREATE)?;
    repository::insert(uow, &entry)?;
    uow.record(Some(scope.user()), &EntryCreated { entry_id: id, owner: entry.user_id });
    Ok(entry.into_row())
}

/// The entry, for its owner only.
pub(crate) fn find(uow: &mut UnitOfWork<'_>, scope: &Scope, id: EntryId) -> Result<Authorized<Entry>, Error> {
    let entry = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Entry))?;
    authorize(uow, scope, entry, READ)
}

/// The caller's entries, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<EntryId>,
) -> Result<Slice<Entry, EntryId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |entry| entry.id))
}
