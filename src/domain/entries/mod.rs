//! Journal entries: what people write for themselves. Nobody else reads them, not even an admin, and what the world is
//! told of them says nothing of what they say.

mod events;
mod repository;
mod service;

pub use events::EntryCreated;
pub use service::{NewEntry, create, find, list};

use std::fmt;

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{EntryId, Room, UserId};

/// What an entry is called.
pub type EntryTitle = SingleLine<120>;

/// What an entry says.
pub type EntryText = MultiLine<20_000>;

/// A journal entry.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::entries)]
pub struct Entry {
    /// Its id; also names its room.
    pub id: EntryId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is called.
    pub title: Option<EntryTitle>,
    /// What it says.
    pub text: EntryText,
    /// Grows with each change.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Entry {
    /// Where its reflections are heard.
    pub fn room(&self) -> Room {
        Room::Entry(self.id)
    }
}

/// What people write for themselves does not belong into logs.
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
