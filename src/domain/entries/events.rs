//! Domain events of journal entries. They go to the owner's user room only.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{EntryId, Room, UserId};

/// A journal entry was created. Excludes its text: those who may see it read it from the entry.
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
