//! Whether the hub's actors answer: a mailbox that is full, or a thread that hangs, shows in nothing else.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::clock::Timestamp;
use crate::domain::Page;
use crate::ids::{ConnectionId, Room};

use super::message::{ToLocalHub, ToRoomHub};
use super::{HubHandle, SessionFilter};

/// Which of the hub's actors answered a question, each in the order of its mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HubProbe {
    /// Whether the RoomHub runs.
    pub(crate) is_running: bool,
    /// Whether it answered.
    pub(crate) answers: bool,
    /// LocalHubs: one for each worker thread that has had a live connection.
    pub(crate) workers: usize,
    /// Those that did not answer, or whose mailboxes are full.
    pub(crate) silent_workers: usize,
    /// How long the slowest answer took, of those that came.
    pub(crate) slowest: Duration,
    /// Messages that wait for the bus between nodes.
    pub(crate) waiting_for_bus: usize,
}

impl HubHandle {
    /// Asks every actor something small, and waits for the answers for `limit` at most.
    pub(crate) async fn probe(&self, limit: Duration) -> HubProbe {
        let began = Instant::now();
        let until = tokio::time::Instant::now() + limit;
        let (reply, of_rooms) = oneshot::channel();
        let is_asked = self.0.room_hub.try_send(ToRoomHub::Members { room: Room::Metrics, reply }).is_ok();
        let workers = self.0.workers.all();
        let mut asked = Vec::new();
        for worker in &workers {
            let (reply, answer) = oneshot::channel();
            // Nobody's id: a connection is newer.
            let filter = SessionFilter::Connection(ConnectionId::new(Timestamp::EPOCH));
            let list = ToLocalHub::List { filter, page: Page { before: None, limit: 1 }, reply };
            if worker.address.connected() {
                asked.push(worker.address.try_send(list).is_ok().then_some(answer));
            }
        }
        let mut slowest = Duration::ZERO;
        let mut silent_workers = 0;
        let answers = is_asked && matches!(timeout_at(until, of_rooms).await, Ok(Ok(_)));
        if answers {
            slowest = began.elapsed();
        }
        let workers = asked.len();
        for answer in asked {
            let answered = match answer {
                Some(answer) => matches!(timeout_at(until, answer).await, Ok(Ok(_))),
                None => false,
            };
            match answered {
                true => slowest = began.elapsed(),
                false => silent_workers += 1,
            }
        }
        let waiting_for_bus = self.0.publisher.relay().waiting();
        HubProbe { is_running: self.is_running(), answers, workers, silent_workers, slowest, waiting_for_bus }
    }
}
