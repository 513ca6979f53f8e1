//! Domain events of reflections. They go to the owner only, without the text.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{EntryId, ReflectionId, Room, UserId};

/// A reflection was written and stored.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ReflectionCreated {
    /// The reflection.
    pub(crate) reflection_id: ReflectionId,
    /// The entry that it is about.
    pub(crate) entry_id: EntryId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ReflectionCreated {
    fn kind(&self) -> &'static str {
        "reflection.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Entry(self.entry_id), Room::User(self.owner)]
    }

    /// Admins may not even know that the entry exists.
    fn for_admins(&self) -> bool {
        false
    }
}

/// A reflection was deleted.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ReflectionDeleted {
    /// The reflection.
    pub(crate) reflection_id: ReflectionId,
    /// The entry that it was about.
    pub(crate) entry_id: EntryId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ReflectionDeleted {
    fn kind(&self) -> &'static str {
        "reflection.deleted"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Entry(self.entry_id), Room::User(self.owner)]
    }

    /// Admins may not even know that the entry exists.
    fn for_admins(&self) -> bool {
        false
    }
}
