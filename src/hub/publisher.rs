//! Forwards committed events and revocations from the writers, and from other processes, to the hub; and those of this
//! process to the bus between nodes, if there is one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix::Recipient;
use actix::dev::SendError;
use prometheus::IntCounter;
use tokio::sync::mpsc;

use super::message::ToRoomHub;
use super::presence::PresenceChanges;
use super::relay::{Relay, Relayed};
use super::workers::Workers;
use crate::db::{Head, PresenceElsewhere};
use crate::events::{Committed, Publisher, Revocation};
use crate::ids::NodeId;

/// What other processes have committed.
#[derive(Default)]
pub(crate) struct Followed {
    /// Positions that the log has reached.
    pub(crate) heads: Vec<Head>,
    /// Rights that ended.
    pub(crate) revocations: Vec<Revocation>,
    /// Who came to rooms on other nodes, and who left them.
    pub(crate) presence: Vec<PresenceElsewhere>,
}

/// Forwards commits to the hub. Created before the database, which reports to it, and bound when the hub
/// starts, which reads from the database. What is committed before that is ignored: there are no members yet.
///
/// Never blocks a writer: when the RoomHub's mailbox is full, the report is dropped and a flag makes the hub
/// read from the log what its rooms have missed.
#[derive(Default)]
pub struct HubPublisher {
    bound: OnceLock<Bound>,
    lost: AtomicBool,
    presence: PresenceChanges,
    relay: Relay,
}

struct Bound {
    room_hub: Recipient<ToRoomHub>,
    workers: Arc<Workers>,
}

impl HubPublisher {
    /// A publisher that is not bound to a hub yet, of the only server on a database.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The same, of one of several nodes: keeps what the others must be told of who is present.
    pub(crate) fn of_node() -> Arc<Self> {
        Arc::new(Self { presence: PresenceChanges::kept(), ..Self::default() })
    }

    /// The same, with a bus between the nodes: also returns what is to be sent over it. What it does not take in time
    /// is dropped, and counted by `dropped`.
    pub(crate) fn with_bus(dropped: IntCounter) -> (Arc<Self>, mpsc::Receiver<Relayed>) {
        let (relay, messages) = Relay::new(dropped);
        (Arc::new(Self { presence: PresenceChanges::kept(), relay, ..Self::default() }), messages)
    }

    pub(super) fn presence(&self) -> &PresenceChanges {
        &self.presence
    }

    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    pub(super) fn bind(&self, room_hub: Recipient<ToRoomHub>, workers: Arc<Workers>) {
        if self.bound.set(Bound { room_hub, workers }).is_err() {
            log::error!("a publisher belongs to one hub; the second one hears nothing");
        }
    }

    /// Takes in what other processes committed. As with a commit of this process, nothing is lost if the
    /// RoomHub's mailbox is full.
    pub(super) fn follow(&self, followed: Followed) {
        let Some(bound) = self.bound.get() else { return };
        let Followed { heads, revocations, presence } = followed;
        if !revocations.is_empty() {
            bound.workers.end(revocations);
        }
        if !heads.is_empty() {
            self.tell(bound, ToRoomHub::Heads(heads));
        }
        if !presence.is_empty() {
            self.tell(bound, ToRoomHub::Presence(presence));
        }
    }

    /// Takes in what another node sent over the bus. What the RoomHub's full mailbox refuses is lost: the database
    /// tells it later, or it need not arrive.
    pub(super) fn take_in(&self, node: NodeId, message: Relayed) {
        let Some(bound) = self.bound.get() else { return };
        let message = match message {
            Relayed::Committed(Committed { events, revocations }) => {
                if !revocations.is_empty() {
                    bound.workers.end(revocations);
                }
                ToRoomHub::Committed(events)
            }
            Relayed::Ephemeral { ephemeral, exclude } => ToRoomHub::Relayed { node, ephemeral, exclude },
            Relayed::WantsFocus(room) => ToRoomHub::WantsFocus(room),
        };
        let _ = bound.room_hub.try_send(message);
    }

    /// Has the RoomHub read anew who is on other nodes.
    pub(super) fn nodes_changed(&self) {
        if let Some(bound) = self.bound.get() {
            self.tell(bound, ToRoomHub::NodesChanged);
        }
    }

    /// Tells the RoomHub what it must not miss.
    fn tell(&self, bound: &Bound, message: ToRoomHub) {
        if let Err(SendError::Full(_)) = bound.room_hub.try_send(message) {
            self.catch_up(bound);
        }
    }

    /// Makes the hub read from the log what its rooms have missed; the hub retries until the database
    /// answers.
    fn catch_up(&self, bound: &Bound) {
        // Set the flag before sending: if the mailbox is full for this message as well, one of the messages
        // in it is handled after this moment and sees the flag.
        self.lost.store(true, Ordering::Release);
        let _ = bound.room_hub.try_send(ToRoomHub::CatchUp);
    }

    /// Whether reports were lost since the last call; resets the flag.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed) && self.lost.swap(false, Ordering::AcqRel)
    }
}

impl Publisher for HubPublisher {
    fn publish(&self, committed: Committed) {
        let Some(bound) = self.bound.get() else { return };
        if committed.is_empty() {
            return;
        }
        self.relay.send(|| Relayed::Committed(committed.clone()));
        let Committed { events, revocations } = committed;
        if !revocations.is_empty() {
            bound.workers.end(revocations);
        }
        if events.is_empty() {
            return;
        }
        self.tell(bound, ToRoomHub::Committed(events));
    }

    fn publish_if_committed(&self, uncertain: Committed) {
        let Some(bound) = self.bound.get() else { return };
        let revocations = &uncertain.revocations;
        if !revocations.is_empty() {
            let events = Vec::new();
            self.relay.send(|| Relayed::Committed(Committed { events, revocations: revocations.clone() }));
        }
        if !uncertain.revocations.is_empty() {
            bound.workers.end(uncertain.revocations);
        }
        if !uncertain.events.is_empty() {
            self.catch_up(bound);
        }
    }
}
