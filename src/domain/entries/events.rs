//! Domain events of journal entries. They name entries and exclude title and text: those who may see them read
//! them from the entry.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{EntryId, Room, UserId};

/// A journal entry was created.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EntryCreated {
    /// The entry.
    pub(crate) entry_id: EntryId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for EntryCreated {
    fn kind(&self) -> &'static str {
        "entry.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    /// Admins may not even know that the entry exists.
    fn for_admins(&self) -> bool {
        false
    }
}

/// A journal entry was changed.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EntryUpdated {
    /// The entry.
    pub(crate) entry_id: EntryId,
    /// Its new version.
    pub(crate) version: i64,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for EntryUpdated {
    fn kind(&self) -> &'static str {
        "entry.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner), Room::Entry(self.entry_id)]
    }

    fn for_admins(&self) -> bool {
        false
    }
}

/// A journal entry was deleted. Its room ends with it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EntryDeleted {
    /// The entry.
    pub(crate) entry_id: EntryId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for EntryDeleted {
    fn kind(&self) -> &'static str {
        "entry.deleted"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner), Room::Entry(self.entry_id)]
    }

    fn for_admins(&self) -> bool {
        false
    }
}
