//! The hub's interface to the rest of the process.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use actix::dev::SendError;
use actix::{Actor, Arbiter, ArbiterHandle};
use tokio::sync::oneshot;

use crate::clock::Timestamp;
use crate::domain::{Page, Slice};
use crate::events::{Publisher, RoomPresence};
use crate::ids::{ConnectionId, NodeId, Room, Seq, UserId};
use crate::protocol::close::CloseReason;

use super::drain::{DrainPlan, Drained, Pace};
use super::ended::{EndedFilter, EndedSessions, Numbered};
use super::ephemeral::Ephemeral;
use super::local::{self, LocalHub};
use super::message::{Exclude, ToLocalHub, ToRoomHub};
use super::publisher::{Followed, HubPublisher};
use super::relay::Relayed;
use super::room::{Deps, RoomHub};
use super::shared::Shared;
use super::user_limit::{LimitError, UserPermit};
use super::workers::Workers;
use super::{
    EventLog, HubBusy, HubConfig, HubMetrics, LiveSession, PresenceAt, Recorder, RoomList, RoomOrder,
    RoomQuery, SessionFilter,
};

/// Pause before a drain is sent again to a worker whose mailbox was full.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// The hub: one per process, cheap to clone.
#[derive(Clone)]
pub struct HubHandle(pub(super) Arc<Shared>);

/// The hub's state, for the admin API.
#[derive(Clone, Debug)]
pub struct HubSnapshot {
    /// Connections, counted from their handshake on.
    pub connections: usize,
    /// Users who have at least one connection.
    pub(crate) users: usize,
    /// How many rooms have members.
    pub rooms: usize,
}

thread_local! {
    /// This thread's LocalHubs: one, unless tests start several servers in a process.
    static LOCAL: RefCell<Vec<(Arc<Shared>, LocalHub)>> = const { RefCell::new(Vec::new()) };
}

impl HubHandle {
    /// Starts the RoomHub on a thread of its own, so that request handlers cannot delay the delivery of
    /// events.
    ///
    /// `publisher` must be the one that the database was opened with.
    pub fn start(
        config: HubConfig,
        metrics: HubMetrics,
        log: Arc<dyn EventLog>,
        publisher: Arc<HubPublisher>,
    ) -> Self {
        Self::start_on(&Arbiter::new().handle(), config, metrics, log, publisher)
    }

    /// As [`HubHandle::start`], on a given thread.
    pub(crate) fn start_on(
        arbiter: &ArbiterHandle,
        config: HubConfig,
        metrics: HubMetrics,
        log: Arc<dyn EventLog>,
        publisher: Arc<HubPublisher>,
    ) -> Self {
        let workers = Arc::<Workers>::default();
        let deps = Deps {
            config: config.clone(),
            log,
            publisher: publisher.clone(),
            metrics: metrics.clone(),
            workers: workers.clone(),
        };
        let room_hub = RoomHub::start_in_arbiter(arbiter, |_| RoomHub::new(deps)).recipient();
        publisher.bind(room_hub.clone(), workers.clone());
        Self(Arc::new(Shared {
            config,
            metrics,
            workers,
            user_limits: Arc::default(),
            room_hub,
            publisher,
            recorder: Recorder::default(),
            ended: EndedSessions::default(),
        }))
    }

    /// The LocalHub of the calling worker thread, started by the first call.
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

    /// Whether the RoomHub is running. Without it no event is delivered, and the process is not ready.
    pub(crate) fn is_running(&self) -> bool {
        self.0.room_hub.connected()
    }

    /// Where the writers report committed events and revocations.
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        self.0.publisher.clone()
    }

    /// Reserves one of the user's `at_most` connections, for a handshake.
    pub fn acquire(&self, user: UserId, at_most: usize) -> Result<UserPermit, LimitError> {
        self.0.user_limits.acquire(user, at_most)
    }

    /// How many connections the user has.
    pub fn connections_of(&self, user: UserId) -> usize {
        self.0.user_limits.of(user)
    }

    /// The users in a room, each once.
    pub(crate) async fn members(&self, room: &Room) -> Result<Vec<UserId>, HubBusy> {
        self.0.users_in(room).await
    }

    /// Sends all members of its room a notice that is not stored.
    pub(crate) fn tell(&self, ephemeral: Ephemeral) -> Result<(), HubBusy> {
        self.broadcast(ephemeral, Exclude::Nobody)
    }

    /// As [`HubHandle::tell`], to the connections that were opened for the room, other than this one.
    pub(crate) fn tell_bound(&self, ephemeral: Ephemeral, but: ConnectionId) -> Result<(), HubBusy> {
        self.broadcast(ephemeral, Exclude::Unbound(but))
    }

    fn broadcast(&self, ephemeral: Ephemeral, exclude: Exclude) -> Result<(), HubBusy> {
        let hub = self.0.hub_for(&ephemeral.room());
        hub.try_send(ToRoomHub::Broadcast { ephemeral, exclude }).map_err(|_| {
            self.0.metrics.busy.inc();
            HubBusy
        })
    }

    /// Live sessions of all worker threads, newest first.
    pub(crate) async fn sessions(
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
                // The worker's thread has ended, and its sessions with it.
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

    /// The sessions that ended lately, the last one first.
    pub(crate) fn ended(
        &self,
        filter: &EndedFilter,
        page: &Page<u64>,
        now: Timestamp,
    ) -> Slice<Numbered, u64> {
        self.0.ended.list(filter, page, now)
    }

    /// Records what single sessions send and are sent.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// Closes one live session, on whichever thread it lives and whether or not its client reads: it leaves
    /// its rooms at once, is sent the reason, and is closed. Returns `false` if there is no session of that
    /// id, or if it is ending already.
    ///
    /// The command is not lost when the hub is busy, nor when the caller stops waiting.
    pub(crate) async fn close(&self, connection: ConnectionId, reason: CloseReason) -> bool {
        let mut was_there = false;
        for answer in self.0.workers.close(connection, reason) {
            was_there |= answer.await.unwrap_or(false);
        }
        was_there
    }

    /// The hub's current state.
    pub async fn snapshot(&self) -> Result<HubSnapshot, HubBusy> {
        let query = RoomQuery { order: RoomOrder::Largest, after: None, at_most: 0, is_listed: |_| false };
        let rooms = self.rooms(query).await?.unlisted.values().map(|kind| kind.rooms).sum();
        Ok(HubSnapshot { connections: self.0.user_limits.total(), users: self.0.user_limits.users(), rooms })
    }

    /// Rooms with members.
    pub(crate) async fn rooms(&self, query: RoomQuery) -> Result<RoomList, HubBusy> {
        let (reply, answer) = oneshot::channel();
        self.0.room_hub.try_send(ToRoomHub::List { query, reply }).map_err(|_| HubBusy)?;
        answer.await.map_err(|_| HubBusy)
    }

    /// Who was in a room on this server when the event at this position was sent. A position that has no event yet
    /// stands for now.
    pub(crate) async fn present_at(&self, room: Room, at: Seq) -> Result<PresenceAt, HubBusy> {
        let (reply, answer) = oneshot::channel();
        let hub = self.0.hub_for(&room);
        hub.try_send(ToRoomHub::PresentAt { room, at, reply }).map_err(|_| HubBusy)?;
        answer.await.map_err(|_| HubBusy)
    }

    /// Takes in what other processes committed: the events up to these positions are read from the log for the
    /// members here, and what depends on the ended rights ends.
    pub(crate) fn follow(&self, followed: Followed) {
        self.0.publisher.follow(followed);
    }

    /// Takes in what another node sent over the bus.
    pub(crate) fn take_in(&self, node: NodeId, message: Relayed) {
        self.0.publisher.take_in(node, message);
    }

    /// Who is elsewhere is read anew: other nodes have come or gone, or what they told may have been missed.
    pub(crate) fn nodes_changed(&self) {
        self.0.publisher.nodes_changed();
    }

    /// At most `limit` changes of who is present here, which other nodes must be told of.
    pub(crate) fn take_presence(&self, limit: usize) -> Vec<RoomPresence> {
        self.0.publisher.presence().take(limit)
    }

    /// Gives back changes that could not be told.
    pub(crate) fn give_back_presence(&self, changes: Vec<RoomPresence>) {
        self.0.publisher.presence().give_back(changes);
    }

    /// Whether changes of presence were lost since the last call, so that all must be compared.
    pub(crate) fn has_lost_presence(&self) -> bool {
        self.0.publisher.presence().take_overflowed()
    }

    /// Which users are in which rooms here, of rooms whose members see that.
    pub(crate) async fn present(&self) -> Result<Vec<(Room, UserId)>, HubBusy> {
        let (reply, answer) = oneshot::channel();
        self.0.room_hub.try_send(ToRoomHub::Present { reply }).map_err(|_| HubBusy)?;
        answer.await.map_err(|_| HubBusy)
    }

    /// Closes all sessions: from now on no connection is admitted and no room joined; sessions get
    /// `disconnecting` with a time to reconnect, then close code 1012, in paced batches. Completes when all
    /// are gone, or at the deadline.
    pub(crate) async fn drain(&self, plan: DrainPlan) -> Drained {
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

    /// Ends a drain: connections are admitted again.
    pub(crate) fn admit_again(&self) {
        self.0.user_limits.open();
    }
}
