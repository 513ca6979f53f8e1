//! The hub as the rest of the process sees it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use actix::dev::SendError;
use actix::{Actor, Arbiter, ArbiterHandle};
use tokio::sync::oneshot;

use crate::domain::{Page, Slice};
use crate::events::Publisher;
use crate::ids::{ConnectionId, Room, UserId};
use crate::protocol::close::CloseReason;

use super::drain::{DrainPlan, Drained, Pace};
use super::local::{self, LocalHub};
use super::message::{ToLocalHub, ToRoomHub};
use super::publisher::HubPublisher;
use super::room::{Deps, RoomHub};
use super::shared::Shared;
use super::user_limit::{LimitError, UserPermit};
use super::workers::Workers;
use super::{EventLog, HubBusy, HubConfig, HubMetrics, LiveSession, RoomSnapshot, SessionFilter};

/// Rooms that a snapshot lists.
const LISTED: usize = 100;

/// Pause before a worker that could not take its part of a drain is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// The hub: one for the process, cheap to clone.
#[derive(Clone)]
pub struct HubHandle(Arc<Shared>);

/// What the hub is doing, for the admin.
#[derive(Clone, Debug)]
pub struct HubSnapshot {
    /// Connections, from their handshake on.
    pub connections: usize,
    /// Users who have any.
    pub users: usize,
    /// The rooms with the most members, a hundred at most.
    pub rooms: Vec<RoomSnapshot>,
}

thread_local! {
    /// This thread's LocalHubs: one, except where tests start several servers.
    static LOCAL: RefCell<Vec<(Arc<Shared>, LocalHub)>> = const { RefCell::new(Vec::new()) };
}

impl HubHandle {
    /// Starts the RoomHub on a thread of its own, so that no request handler stands between an event and its members.
    ///
    /// `publisher` is what the database was opened with.
    pub fn start(
        config: HubConfig,
        metrics: HubMetrics,
        log: Arc<dyn EventLog>,
        publisher: Arc<HubPublisher>,
    ) -> Self {
        Self::start_on(&Arbiter::new().handle(), config, metrics, log, publisher)
    }

    /// Starts the RoomHub on a given thread.
    pub fn start_on(
        arbiter: &ArbiterHandle,
        config: HubConfig,
        metrics: HubMetrics,
        log: Arc<dyn EventLog>,
        publisher: Arc<HubPublisher>,
    ) -> Self {
        let deps =
            Deps { config: config.clone(), log, publisher: publisher.clone(), metrics: metrics.clone() };
        let room_hub = RoomHub::start_in_arbiter(arbiter, |_| RoomHub::new(deps)).recipient();
        let workers = Arc::<Workers>::default();
        publisher.bind(room_hub.clone(), workers.clone());
        Self(Arc::new(Shared { config, metrics, workers, user_limits: Arc::default(), room_hub, publisher }))
    }

    /// The LocalHub of the calling worker thread, started at the first call.
    pub fn local(&self) -> LocalHub {
        LOCAL.with_borrow_mut(|locals| {
            locals.retain(|(_, local)| local.is_running());
            let known = locals.iter().find(|(shared, _)| Arc::ptr_eq(shared, &self.0));
            if let Some((_, local)) = known {
                return local.clone();
            }
            let local = local::start(self.0.clone());
            locals.push((self.0.clone(), local.clone()));
            local
        })
    }

    /// Whether the hub works at all: without its RoomHub nobody hears anything, and the process is not ready.
    pub fn is_running(&self) -> bool {
        self.0.room_hub.connected()
    }

    /// Where committed events are reported.
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        self.0.publisher.clone()
    }

    /// A place in the count of the user's connections, for a handshake; at most `at_most` of them.
    pub fn acquire(&self, user: UserId, at_most: usize) -> Result<UserPermit, LimitError> {
        self.0.user_limits.acquire(user, at_most)
    }

    /// How many connections the user has.
    pub fn connections_of(&self, user: UserId) -> usize {
        self.0.user_limits.of(user)
    }

    /// The users in a room, each once.
    pub async fn members(&self, room: &Room) -> Result<Vec<UserId>, HubBusy> {
        self.0.users_in(room).await
    }

    /// Live sessions of all worker threads, newest first.
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        page: Page<ConnectionId>,
    ) -> Result<Slice<LiveSession, ConnectionId>, HubBusy> {
        let mut asked = Vec::new();
        for worker in self.0.workers.all() {
            let (reply, answer) = oneshot::channel();
            match worker.address.try_send(ToLocalHub::List { filter, page, reply }) {
                Ok(()) => asked.push(answer),
                Err(SendError::Full(_)) => return Err(HubBusy),
                // Its thread has ended, and its sessions with it.
                Err(SendError::Closed(_)) => {}
            }
        }
        let mut sessions = Vec::new();
        for answer in asked {
            sessions.extend(answer.await.unwrap_or_default());
        }
        sessions.sort_unstable_by_key(|session| std::cmp::Reverse(session.connection));
        Ok(page.slice(sessions, |session| session.connection))
    }

    /// Ends one live session, wherever its thread is and whether or not its client reads: it leaves its rooms at once,
    /// is told why, and closed. `false` where there is none of that name, or it is ending already.
    ///
    /// The order to do so is not lost however busy the hub is, also when the caller stops waiting.
    pub async fn close(&self, connection: ConnectionId, reason: CloseReason) -> bool {
        let mut was_there = false;
        for answer in self.0.workers.close(connection, reason) {
            was_there |= answer.await.unwrap_or(false);
        }
        was_there
    }

    /// What the hub is doing.
    pub async fn snapshot(&self) -> Result<HubSnapshot, HubBusy> {
        let (reply, answer) = oneshot::channel();
        let ask = ToRoomHub::Largest { at_most: LISTED, reply };
        self.0.room_hub.try_send(ask).map_err(|_| HubBusy)?;
        let rooms = answer.await.map_err(|_| HubBusy)?;
        Ok(HubSnapshot { connections: self.0.user_limits.total(), users: self.0.user_limits.users(), rooms })
    }

    /// Sends all sessions away: no seats and no joins from now on, `disconnecting` with a time to come back, then 1012,
    /// in paced batches. Completes when all are gone, or at the deadline.
    pub async fn drain(&self, plan: DrainPlan) -> Drained {
        self.0.user_limits.close();
        let at_first = self.0.user_limits.total();
        let all_gone = async {
            let workers = self.0.workers.all();
            for (index, worker) in workers.iter().enumerate() {
                let pace = || ToLocalHub::Drain(Box::new(Pace::new(&plan, index, workers.len())));
                while let Err(SendError::Full(_)) = worker.address.try_send(pace()) {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
            self.0.user_limits.emptied().await;
        };
        let _ = tokio::time::timeout(plan.deadline, all_gone).await;
        Drained { at_first, left: self.0.user_limits.total() }
    }
}
