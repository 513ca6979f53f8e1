//! What the hubs of several nodes tell each other over a bus, if there is one.
//!
//! All of it may be lost, doubled or late: committed events and revocations are told by the database as well,
//! and what is not stored may be lost anyway.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::events::Committed;
use crate::ids::{ConnectionId, Room};
use crate::protocol::BoardClient;

use super::ephemeral::Ephemeral;
use super::message::Exclude;

/// Messages that wait for the bus. Beyond that they are dropped: a writer never waits.
const QUEUE: usize = 4_096;

/// One message to the hubs of the other nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Relayed {
    /// What a unit of work has committed.
    Committed(Committed),
    /// A notice that is not stored.
    Ephemeral {
        /// The notice.
        ephemeral: Ephemeral,
        /// Who does not get it.
        exclude: Exclude,
    },
    /// A node has its first member in the room of a board: the others tell again what theirs look at.
    WantsFocus(Room),
}

impl Relayed {
    /// That a client of a board has left, for those that have the board open.
    pub(crate) fn client_left(client: BoardClient, connection: ConnectionId) -> Self {
        Self::Ephemeral { ephemeral: Ephemeral::ClientLeft(client), exclude: Exclude::Unbound(connection) }
    }

    /// The client of a board that came or left, if that is what it says.
    pub(crate) fn board_client(&self) -> Option<&BoardClient> {
        match self {
            Self::Ephemeral {
                ephemeral: Ephemeral::ClientJoined(client) | Ephemeral::ClientLeft(client),
                ..
            } => Some(client),
            _ => None,
        }
    }
}

/// The hub's end of the bus; without one, nothing is sent. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Relay(Option<mpsc::Sender<Relayed>>);

impl Relay {
    /// A relay, and what it is given.
    pub(super) fn new() -> (Self, mpsc::Receiver<Relayed>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(Some(sender)), receiver)
    }

    /// Sends a message, which is made only if there is a bus. A full queue drops it.
    pub(super) fn send(&self, message: impl FnOnce() -> Relayed) {
        if let Some(sender) = &self.0
            && let Ok(permit) = sender.try_reserve()
        {
            permit.send(message());
        }
    }
}
