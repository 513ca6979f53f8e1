//! What happens to journal entries. Their owner alone hears of it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{EntryId, Room, UserId};

/// Somebody wrote into their journal. What they wrote is not told: who may know it reads the entry.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EntryCreated {
    /// The entry.
    pub entry_id: EntryId,
    /// Whose it is.
    #[serde(skip)]
    pub owner: UserId,
}

impl DomainEvent for EntryCreated {
    fn kind(&self) -> &'static str {
        "entry.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    /// Not even that there is one.
    fn for_admins(&self) -> bool {
        false
    }
}
