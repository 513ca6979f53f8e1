//! What the hubs of several nodes tell each other over a bus, if there is one.
//!
//! All of it may be lost, doubled or late: committed events and revocations are told by the database as well,
//! and what is not stored may be lost anyway.

use prometheus::IntCounter;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::events::Committed;
use crate::ids::{ConnectionId, Room};
use crate::protocol::BoardClient;

use super::ephemeral::Ephemeral;
use super::message::Exclude;

/// Messages that wait for the bus. Beyond that they are dropped and counted: a writer never waits.
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
pub(super) struct Relay(Option<Outgoing>);

#[derive(Clone)]
struct Outgoing {
    messages: mpsc::Sender<Relayed>,
    dropped: IntCounter,
}

impl Relay {
    /// A relay that counts what it drops, and what it is given.
    pub(super) fn new(dropped: IntCounter) -> (Self, mpsc::Receiver<Relayed>) {
        let (messages, receiver) = mpsc::channel(QUEUE);
        (Self(Some(Outgoing { messages, dropped })), receiver)
    }

    /// Sends a message, which is made only if there is a bus. A full queue drops it.
    pub(super) fn send(&self, message: impl FnOnce() -> Relayed) {
        let Some(outgoing) = &self.0 else { return };
        match outgoing.messages.try_reserve() {
            Ok(permit) => permit.send(message()),
            Err(TrySendError::Full(())) => outgoing.dropped.inc(),
            // The server stops.
            Err(TrySendError::Closed(())) => {}
        }
    }

    /// Messages that wait for the bus.
    pub(super) fn waiting(&self) -> usize {
        self.0.as_ref().map_or(0, |Outgoing { messages, .. }| messages.max_capacity() - messages.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_the_queue_is_counted() {
        let dropped = IntCounter::new("dropped", "for this test").unwrap();
        let (relay, mut messages) = Relay::new(dropped.clone());
        for _ in 0..QUEUE + 3 {
            relay.send(|| Relayed::WantsFocus(Room::Admin));
        }
        assert_eq!((dropped.get(), messages.len()), (3, QUEUE));
        messages.try_recv().unwrap();
        relay.send(|| Relayed::WantsFocus(Room::Admin));
        assert_eq!(dropped.get(), 3, "there was room again");
    }
}
