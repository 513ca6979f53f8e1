//! Journal entries: private notes, readable by their owner only and not even by admins. Title and text are
//! stored sealed (`cipher`); events and logs never contain them.

mod cipher;
mod events;
mod journal;
mod keys;
pub(crate) mod reflections;
mod repository;
mod search;
mod service;
mod verify;

pub(crate) use cipher::{DataKey, KeyEncryptionKey, Place, is_sealed};
pub(crate) use events::{EntryCreated, EntryDeleted, EntryUpdated};
pub(crate) use journal::{Journal, Resealed, other_key_ids, reseal_keys};
pub(crate) use search::{SearchText, search};
pub(crate) use service::{EntryChanges, create, delete, edit, find, find_sealed, list, seal_plain_rows};
pub(crate) use verify::verify;

use std::fmt;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{EntryId, Room, UserId};

use cipher::CipherError;

/// Title of an entry.
pub(crate) type EntryTitle = SingleLine<120>;

/// Text of an entry.
pub(crate) type EntryText = MultiLine<20_000>;

/// What an entry says. No `Debug`: private notes must not reach the logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Title, if it has one.
    pub(crate) title: Option<EntryTitle>,
    /// The text itself.
    pub(crate) text: EntryText,
}

/// What an entry says, as it is stored.
#[derive(Clone)]
pub(crate) struct SealedContent {
    title: Option<String>,
    text: String,
    /// Whether the two are sealed. They are plain text where an older version wrote them since this server
    /// started, on PostgreSQL, where servers are replaced one after the other.
    is_sealed: bool,
}

/// A journal entry, with its content as `C`: readable, or sealed as it is stored.
#[derive(Clone)]
pub(crate) struct Entry<C = Content> {
    /// Primary key; also names the room.
    pub(crate) id: EntryId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// Title and text.
    pub(crate) content: C,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

/// An entry as it is stored.
pub(crate) type SealedEntry = Entry<SealedContent>;

impl<C> Entry<C> {
    /// The room in which reflections on the entry are published.
    pub(crate) fn room(&self) -> Room {
        Room::Entry(self.id)
    }

    fn place(&self, column: &'static str) -> Place<'_> {
        Place { table: "entries", row: self.id.as_str(), column }
    }

    fn with<D>(self, content: D) -> Entry<D> {
        let Self { id, user_id, version, created_at, updated_at, .. } = self;
        Entry { id, user_id, content, version, created_at, updated_at }
    }
}

impl Entry<Content> {
    fn sealed_content(&self, key: &DataKey) -> Result<SealedContent, CipherError> {
        let title = self.content.title.as_ref();
        Ok(SealedContent {
            title: title.map(|title| key.seal(&self.place("title"), title.as_str())).transpose()?,
            text: key.seal(&self.place("text"), self.content.text.as_str())?,
            is_sealed: true,
        })
    }
}

impl SealedEntry {
    /// The entry, readable; `key` is its owner's, if there is one.
    fn open(self, key: Option<&DataKey>) -> Result<Entry, CipherError> {
        if !self.content.is_sealed {
            let SealedContent { title, text, .. } = self.content.clone();
            let title = title.map(EntryTitle::from_stored);
            return Ok(self.with(Content { title, text: EntryText::from_stored(text) }));
        }
        let key = key.ok_or(CipherError::NoDataKey { user: self.user_id })?;
        let title = self.content.title.as_deref();
        let title = title.map(|title| key.open(&self.place("title"), title)).transpose()?;
        let text = key.open(&self.place("text"), &self.content.text)?;
        let content =
            Content { title: title.map(EntryTitle::from_stored), text: EntryText::from_stored(text) };
        Ok(self.with(content))
    }
}

/// By hand, without title and text: private notes must not reach the logs.
impl<C> fmt::Debug for Entry<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.id)
    }
}

impl<C> Resource for Entry<C> {
    const KIND: Kind = Kind::Entry;
    /// Journals are private.
    const ADMIN_PASSES: bool = false;
    const IS_PRIVATE: bool = true;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Entry, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Entry, "create", Need::Owner);
const EDIT: Right = Right::change(Kind::Entry, "edit", Need::Owner);
const REFLECT: Right = Right::change(Kind::Entry, "reflect", Need::Owner);
const DELETE: Right = Right::change(Kind::Entry, "delete", Need::Owner);

impl<C> Rights for Entry<C> {
    const RIGHTS: &'static [Right] = &[READ, CREATE, EDIT, REFLECT, DELETE];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        let at = Timestamp::EPOCH;
        let content =
            Content { title: EntryTitle::parse("secret").ok(), text: EntryText::parse(text).unwrap() };
        let (id, user_id) = (EntryId::new(at), UserId::new(at));
        Entry { id, user_id, content, version: 1, created_at: at, updated_at: at }
    }

    #[test]
    fn an_entry_stays_out_of_logs() {
        let entry = entry("secret");
        assert_eq!(format!("{entry:?}"), format!("Entry({})", entry.id));
    }

    #[test]
    fn contents_that_change_places_do_not_open() {
        let key = DataKey::generate().unwrap();
        let seal = |entry: Entry| {
            let content = entry.sealed_content(&key).unwrap();
            entry.with(content)
        };
        let (mut one, mut two) = (seal(entry("one")), seal(entry("two")));
        assert!(one.clone().open(Some(&key)).is_ok_and(|one| one.content.text.as_str() == "one"));
        assert!(one.clone().open(None).is_err());
        std::mem::swap(&mut one.content, &mut two.content);
        assert!(one.open(Some(&key)).is_err() && two.clone().open(Some(&key)).is_err());
        let mut turned = seal(entry("three"));
        turned.content.title = Some(turned.content.text.clone());
        assert!(turned.open(Some(&key)).is_err());
    }
}
