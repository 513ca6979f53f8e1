//! What a connection is for.

use crate::hub::ClientId;
use crate::ids::{EntryId, ProjectId, Room};

/// What a connection was opened for, by its address. The protocol is the same for all; an endpoint of one
/// room joins it automatically, and its session ends when the user loses the standing in that room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointTarget {
    /// Any room that is joined by command: `/ws` and `/socket.io/`.
    Any,
    /// A project's board.
    Board(ProjectId, ClientId),
    /// A journal entry's reflections.
    Reflections(EntryId),
    /// Simulations, each in a room of its own.
    Simulations,
}

impl EndpointTarget {
    /// The journal entry that the connection was opened for, if any.
    pub(crate) fn entry(&self) -> Option<EntryId> {
        match self {
            Self::Reflections(entry) => Some(*entry),
            Self::Any | Self::Board(..) | Self::Simulations => None,
        }
    }

    /// The project whose board the connection was opened for, if any.
    pub(crate) fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Board(project, _) => Some(*project),
            Self::Any | Self::Reflections(_) | Self::Simulations => None,
        }
    }

    /// The client's own id, on the endpoint of boards.
    pub(crate) fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Board(_, client) => Some(client),
            Self::Any | Self::Reflections(_) | Self::Simulations => None,
        }
    }

    /// The room that the connection is bound to, if any.
    pub(crate) fn room(&self) -> Option<Room> {
        match self {
            Self::Any | Self::Simulations => None,
            Self::Board(project, _) => Some(Room::Project(*project)),
            Self::Reflections(entry) => Some(Room::Entry(*entry)),
        }
    }
}
