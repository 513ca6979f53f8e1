//! Forwards committed events and revocations from the writers to the hub.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix::Recipient;
use actix::dev::SendError;

use super::message::ToRoomHub;
use super::workers::Workers;
use crate::db::Head;
use crate::events::{Committed, Publisher, Revocation};

/// Forwards commits to the hub. Created before the database, which reports to it, and bound when the hub
/// starts, which reads from the database. What is committed before that is ignored: there are no members yet.
///
/// Never blocks a writer: when the RoomHub's mailbox is full, the report is dropped and a flag makes the hub
/// read from the log what its rooms have missed.
#[derive(Default)]
pub struct HubPublisher {
    bound: OnceLock<Bound>,
    lost: AtomicBool,
}

struct Bound {
    room_hub: Recipient<ToRoomHub>,
    workers: Arc<Workers>,
}

impl HubPublisher {
    /// A publisher that is not bound to a hub yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn bind(&self, room_hub: Recipient<ToRoomHub>, workers: Arc<Workers>) {
        if self.bound.set(Bound { room_hub, workers }).is_err() {
            log::error!("a publisher belongs to one hub; the second one hears nothing");
        }
    }

    /// Takes in what other processes committed. As with a commit of this process, nothing is lost if the
    /// RoomHub's mailbox is full.
    pub(super) fn follow(&self, heads: Vec<Head>, revocations: Vec<Revocation>) {
        let Some(bound) = self.bound.get() else { return };
        if !revocations.is_empty() {
            bound.workers.end(revocations);
        }
        if heads.is_empty() {
            return;
        }
        if let Err(SendError::Full(_)) = bound.room_hub.try_send(ToRoomHub::Heads(heads)) {
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
        let Committed { events, revocations } = committed;
        if !revocations.is_empty() {
            bound.workers.end(revocations);
        }
        if events.is_empty() {
            return;
        }
        if let Err(SendError::Full(_)) = bound.room_hub.try_send(ToRoomHub::Committed(events)) {
            self.catch_up(bound);
        }
    }

    fn publish_if_committed(&self, uncertain: Committed) {
        let Some(bound) = self.bound.get() else { return };
        if !uncertain.revocations.is_empty() {
            bound.workers.end(uncertain.revocations);
        }
        if !uncertain.events.is_empty() {
            self.catch_up(bound);
        }
    }
}
