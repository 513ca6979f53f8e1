//! What a connection is for.

use crate::hub::ClientId;
use crate::ids::{EntryId, ProjectId, Room};

/// What a connection was opened for, by its address. All speak the same protocol; those of one room hear it without
/// asking, and end with their right to be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointTarget {
    /// Whatever its commands ask for: `/ws` and `/socket.io/`.
    Any,
    /// A project's board.
    Board(ProjectId, ClientId),
    /// A journal entry's reflections.
    Reflections(EntryId),
    /// Simulations, each in a room of its own.
    Simulations,
}

impl EndpointTarget {
    /// The one room that it is about.
    pub fn room(&self) -> Option<Room> {
        match self {
            Self::Any | Self::Simulations => None,
            Self::Board(project, _) => Some(Room::Project(*project)),
            Self::Reflections(entry) => Some(Room::Entry(*entry)),
        }
    }
}
