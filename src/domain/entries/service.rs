//! Use cases of journal entries: creating, reading, listing, editing, deleting.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope, authorize, authorize_own_list, by_system};
use crate::domain::{Error, Kind, Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::ids::EntryId;

use super::{
    CREATE, Content, DELETE, EDIT, Entry, EntryCreated, EntryDeleted, EntryText, EntryTitle, EntryUpdated,
    Journal, READ, REFLECT, SealedEntry, repository,
};

/// A partial update of an entry; `None` leaves a field unchanged. No `Debug`, as for [`Content`].
#[derive(Clone, Default)]
pub(crate) struct EntryChanges {
    /// A new title; `Some(None)` removes it.
    pub(crate) title: Option<Option<EntryTitle>>,
    /// A new text.
    pub(crate) text: Option<EntryText>,
}

impl Content {
    fn changed_by(&self, changes: &EntryChanges) -> Self {
        Self {
            title: changes.title.clone().unwrap_or_else(|| self.title.clone()),
            text: changes.text.clone().unwrap_or_else(|| self.text.clone()),
        }
    }
}

/// Creates an entry in the caller's journal.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    content: &Content,
) -> Result<Entry, Error> {
    let now = uow.now();
    let (id, user_id, content) = (EntryId::new(now), scope.user(), content.clone());
    let entry = Entry { id, user_id, content, version: 1, created_at: now, updated_at: now };
    let entry = authorize(uow, scope, entry, CREATE)?;
    let key = journal.data_key_or_new(uow, entry.user_id)?;
    repository::insert(uow, &entry, &entry.sealed_content(&key)?)?;
    uow.record(Some(scope.user()), &EntryCreated { entry_id: id, owner: entry.user_id });
    Ok(entry.into_row())
}

/// The entry, readable, for its owner only.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    id: EntryId,
) -> Result<Entry, Error> {
    let entry = find_sealed(uow, scope, id)?;
    open(uow, journal, entry.into_row())
}

/// The entry as it is stored, for its owner only: the proof that the caller may read it.
pub(crate) fn find_sealed(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: EntryId,
) -> Result<Authorized<SealedEntry>, Error> {
    let entry = load(uow, id)?;
    authorize(uow, scope, entry, READ)
}

/// The entry as it is stored, for its owner only: the proof that the caller may have reflections on it written
/// and deleted.
pub(super) fn find_for_reflection(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: EntryId,
) -> Result<Authorized<SealedEntry>, Error> {
    let entry = load(uow, id)?;
    authorize(uow, scope, entry, REFLECT)
}

/// The caller's entries, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    page: Page<EntryId>,
) -> Result<Slice<Entry, EntryId>, Error> {
    authorize_own_list::<SealedEntry>(uow, scope)?;
    let rows = repository::of_caller(uow, scope, page.before, page.fetch())?;
    let Slice { items, next } = page.slice(rows, |entry| entry.id);
    let key = journal.data_key(uow, scope.user())?;
    let items = items.into_iter().map(|entry| entry.open(key.as_ref())).collect::<Result<_, _>>()?;
    Ok(Slice { items, next })
}

/// Updates an entry; with an expected version, only if that is the current one.
pub(crate) fn edit(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    id: EntryId,
    changes: &EntryChanges,
    expected: Option<i64>,
) -> Result<Entry, Error> {
    let stored = load(uow, id)?;
    let stored = authorize(uow, scope, stored, EDIT)?;
    Error::if_stale(Kind::Entry, stored.version, expected)?;
    let entry = open(uow, journal, stored.clone())?;
    let content = entry.content.changed_by(changes);
    if content == entry.content {
        return Ok(entry);
    }
    let entry = Entry { version: entry.version + 1, updated_at: uow.now(), content, ..entry };
    let key = journal.data_key_or_new(uow, entry.user_id)?;
    exactly_one(repository::update(uow, &stored, &entry.sealed_content(&key)?)?)?;
    let event = EntryUpdated { entry_id: id, version: entry.version, owner: entry.user_id };
    uow.record(Some(scope.user()), &event);
    Ok(entry)
}

/// Deletes an entry and its reflections; with an expected version, only if that is the current one. With the
/// commit the owner's live sessions leave its room.
pub(crate) fn delete(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: EntryId,
    expected: Option<i64>,
) -> Result<(), Error> {
    let entry = load(uow, id)?;
    let entry = authorize(uow, scope, entry, DELETE)?;
    Error::if_stale(Kind::Entry, entry.version, expected)?;
    exactly_one(repository::delete(uow, &entry)?)?;
    let (user, room) = (entry.user_id, entry.room());
    uow.record(Some(scope.user()), &EntryDeleted { entry_id: id, owner: user });
    uow.end(Revocation::Membership { user, room, seq: None, reason: RevocationReason::NoStanding });
    Ok(())
}

/// Seals up to `limit` entries that an older version stored as plain text; returns how many it found. To
/// their owners nothing has changed, so there is no event and no new version.
pub(crate) fn seal_plain_rows(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    limit: i64,
) -> Result<usize, Error> {
    let rows = repository::plain(uow, limit)?;
    let found = rows.len();
    for row in rows {
        let key = journal.data_key_or_new(uow, row.user_id)?;
        let content = row.clone().open(None)?.sealed_content(&key)?;
        repository::seal(uow, &by_system(row), &content)?;
    }
    Ok(found)
}

fn load(uow: &mut UnitOfWork<'_>, id: EntryId) -> Result<SealedEntry, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Entry))
}

fn open(uow: &mut UnitOfWork<'_>, journal: &Journal, entry: SealedEntry) -> Result<Entry, Error> {
    let key = journal.data_key(uow, entry.user_id)?;
    Ok(entry.open(key.as_ref())?)
}

/// Writes are conditional on the version that was read. No row means that another unit was faster, and this
/// one is retried.
fn exactly_one(rows: usize) -> Result<(), DbError> {
    if rows == 1 { Ok(()) } else { Err(DbError::Contended("the entry changed meanwhile".into())) }
}
