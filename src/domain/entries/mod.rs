//! Journal entries: private notes, readable by their owner only and not even by admins. Events and logs never
//! contain their text.

mod events;
mod repository;
mod service;

pub(crate) use events::EntryCreated;
pub(crate) use service::{NewEntry, create, find, list};

use std::fmt;

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{EntryId, Room, UserId};

/// Title of an entry.
pub(crate) type EntryTitle = SingleLine<120>;

/// Text of an entry.
pub(crate) type EntryText = MultiLine<20_000>;

/// A journal entry.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::entries)]
pub(crate) struct Entry {
    /// Primary key; also names the room.
    pub(crate) id: EntryId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// Title, if it has one.
    pub(crate) title: Option<EntryTitle>,
    /// The text itself; never logged.
    pub(crate) text: EntryText,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

impl Entry {
    /// The room in which reflections on the entry are published.
    pub(crate) fn room(&self) -> Room {
        Room::Entry(self.id)
    }
}

/// By hand, without title and text: private notes must not reach the logs.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.id)
    }
}

impl Resource for Entry {
    const KIND: Kind = Kind::Entry;
    /// Journals are private.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Entry, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Entry, "create", Need::Owner);

impl Rights for Entry {
    const RIGHTS: &'static [Right] = &[READ, CREATE];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_out_of_logs() {
        let at = Timestamp::EPOCH;
        let (id, user_id) = (EntryId::new(at), UserId::new(at));
        let (title, text) = (EntryTitle::parse("secret").ok(), EntryText::parse("secret").unwrap());
        let entry = Entry { id, user_id, title, text, version: 1, created_at: at, updated_at: at };
        assert_eq!(format!("{entry:?}"), format!("Entry({id})"));
    }
}
