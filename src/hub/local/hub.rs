//! The LocalHub: the interface by which sessions of its thread register, join rooms and broadcast.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::domain::Page;
use crate::events::Envelope;
use crate::hub::drain::Pace;
use crate::hub::message::{Departure, Exclude, Join, MembershipRef, RoomMessage, ToRoomHub};
use crate::hub::shared::Shared;
use crate::hub::workers::{Worker, WorkerCommand, WorkerCommands};
use crate::hub::{
    BroadcastError, Credentials, Ephemeral, FrameSeen, HubBusy, JoinError, LiveSession, Registration,
    SessionFilter,
};
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::protocol::TaskFocus;
use crate::protocol::close::CloseReason;

use super::effects::Effects;
use super::liveness::Activity;
use super::membership::Spliced;
use super::sessions::Sessions;

/// Messages to rooms that were delivered together.
pub(super) struct Batch {
    /// How many.
    pub(super) messages: usize,
    /// Bytes of their frames.
    pub(super) bytes: usize,
    /// Whether others still wait.
    pub(super) has_more: bool,
}

/// The hub of one worker thread. Calls from the same thread take effect at once, without a mailbox in
/// between.
#[derive(Clone)]
pub struct LocalHub(Rc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    worker: Arc<Worker>,
    sessions: RefCell<Sessions>,
    /// Ended memberships that the RoomHub does not know of yet, because its mailbox was full.
    unreported: RefCell<Vec<Departure>>,
    /// Bytes that waited for the clients of this thread at the last tick.
    waiting: Cell<i64>,
}

impl LocalHub {
    pub(super) fn new(shared: Arc<Shared>, worker: Arc<Worker>) -> Self {
        let sessions = Sessions::new(shared.config.clone(), shared.recorder.clone(), Instant::now());
        Self(Rc::new(Inner {
            shared,
            worker,
            sessions: RefCell::new(sessions),
            unreported: RefCell::default(),
            waiting: Cell::default(),
        }))
    }

    /// Whether no connection is admitted, and all are being closed.
    pub(super) fn is_draining(&self) -> bool {
        self.0.shared.user_limits.is_closed()
    }

    pub(in crate::hub) fn is_running(&self) -> bool {
        self.0.worker.address.connected()
    }

    /// Registers a session: from now on notices reach it, and revocations end it. Dropping the handle
    /// unregisters it.
    pub fn register(&self, registration: Registration) -> RegistrationHandle {
        let connection = registration.connection;
        let now_seen = {
            let mut sessions = self.0.sessions.borrow_mut();
            let activity = sessions.register(registration);
            RegistrationHandle { hub: self.clone(), connection, activity }
        };
        self.0.shared.metrics.sessions.inc();
        now_seen
    }

    /// Makes the connection a member of the room; a connection that is one already gets a new membership.
    ///
    /// Before this returns, live events of the room begin to be buffered for the session. The caller must
    /// then check that its user may be in the room **and** read the log after `since`, in this order (join
    /// first, then check), so that a standing that is lost meanwhile is either seen by the check or finds the
    /// membership; then push the answer; and then call [`Joined::splice`].
    pub async fn join(&self, connection: ConnectionId, room: Room) -> Result<Joined, JoinError> {
        if self.is_draining() {
            return Err(JoinError::Draining);
        }
        let joiner = self.0.sessions.borrow_mut().begin_join(connection, &room)?;
        if joiner.is_new {
            self.0.shared.metrics.memberships.inc();
        }
        let membership = MembershipRef { connection, room: room.clone(), membership: joiner.membership };
        // From here on every failure ends the membership, also when the caller stops waiting: `joined` is
        // dropped.
        let mut joined = Joined { hub: self.clone(), membership, head: Seq::START, is_kept: false };
        let (reply, answer) = oneshot::channel();
        let join = Join {
            room: room.clone(),
            connection,
            user: joiner.user,
            holder: joiner.holder,
            dialect: joiner.dialect,
            worker: self.0.worker.id,
            membership: joiner.membership,
            reply,
        };
        if self.0.shared.hub_for(&room).try_send(ToRoomHub::Join(join)).is_err() {
            self.0.shared.metrics.busy.inc();
            return Err(JoinError::Busy);
        }
        // Unanswered if the room ended before it began: all who waited for it have left, or were made to.
        joined.head = answer.await.map_err(|_| JoinError::Gone)??;
        Ok(joined)
    }

    /// Ends a membership; returns whether there was one.
    pub(crate) fn leave(&self, connection: ConnectionId, room: &Room) -> bool {
        self.with_effects(|sessions, effects| sessions.leave(connection, room, effects))
    }

    /// Ends the rights on this thread that have ended anywhere this process knows of, and with them their sessions.
    pub(crate) fn end_rights(&self) {
        self.run_commands();
    }

    /// Whether the connection is a member of the room and receives it live.
    pub(crate) fn is_member(&self, connection: ConnectionId, room: &Room) -> bool {
        self.0.sessions.borrow().is_member(connection, room)
    }

    /// The rooms that the connection is a member of or is joining.
    #[cfg(test)]
    pub(crate) fn rooms_of(&self, connection: ConnectionId) -> Vec<Room> {
        self.0.sessions.borrow().rooms_of(connection)
    }

    /// Sends the room's other members a notice that is not stored, such as `typing`.
    pub(crate) fn broadcast(
        &self,
        speaker: ConnectionId,
        ephemeral: Ephemeral,
    ) -> Result<(), BroadcastError> {
        let room = ephemeral.room();
        if !self.is_member(speaker, &room) {
            return Err(BroadcastError::NotAMember);
        }
        let message = ToRoomHub::Broadcast { ephemeral, exclude: Exclude::Connection(speaker) };
        let is_taken =
            !self.0.worker.deliveries.is_behind() && self.0.shared.hub_for(&room).try_send(message).is_ok();
        if !is_taken {
            self.0.shared.metrics.busy.inc();
            return Err(BroadcastError::Busy);
        }
        Ok(())
    }

    /// Tells the board's other members what this one looks at or edits from now on.
    pub(crate) fn focus(&self, room: &Room, focus: TaskFocus) -> Result<(), BroadcastError> {
        if !self.is_member(focus.session_id, room) {
            return Err(BroadcastError::NotAMember);
        }
        let message = ToRoomHub::Focus { room: room.clone(), focus };
        self.0.shared.hub_for(room).try_send(message).map_err(|_| {
            self.0.shared.metrics.busy.inc();
            BroadcastError::Busy
        })
    }

    /// What the members of a board look at or edit.
    pub(crate) async fn focused(&self, room: &Room) -> Result<Vec<TaskFocus>, HubBusy> {
        let (reply, answer) = oneshot::channel();
        let ask = ToRoomHub::Focused { room: room.clone(), reply };
        self.0.shared.hub_for(room).try_send(ask).map_err(|_| {
            self.0.shared.metrics.busy.inc();
            HubBusy
        })?;
        answer.await.map_err(|_| HubBusy)
    }

    /// The users in a room, each once, on all worker threads.
    pub(crate) async fn presence(&self, room: &Room) -> Result<Vec<UserId>, HubBusy> {
        self.0.shared.users_in(room).await
    }

    /// Runs the commands that wait for this thread, and delivers the oldest messages to rooms that do, at most `limit`.
    /// Empties `taken`, which keeps its memory for the next call.
    ///
    /// Rights that ended before the events were committed end before the events are delivered.
    pub(super) fn run_waiting(&self, limit: usize, taken: &mut Vec<RoomMessage>) -> Batch {
        // In this order: a right that ends in between is listed before the events that come after it are queued.
        let has_more = self.0.worker.deliveries.take(limit, taken);
        self.run_commands();
        let bytes = taken.iter().map(|message| message.encoded.bytes()).sum();
        let batch = Batch { messages: taken.len(), bytes, has_more };
        for message in taken.drain(..) {
            self.deliver(&message);
        }
        batch
    }

    fn deliver(&self, message: &RoomMessage) {
        let delivered = self.with_effects(|sessions, effects| sessions.deliver(message, effects));
        let metrics = &self.0.shared.metrics;
        metrics.deliveries.inc_by(delivered.queued + delivered.replaced);
        if delivered.dropped > 0 {
            metrics.dropped.with_label_values(&["droppable"]).inc_by(delivered.dropped);
        }
        if delivered.replaced > 0 {
            metrics.dropped.with_label_values(&["replaced"]).inc_by(delivered.replaced);
        }
    }

    /// Pushes an event that the connection itself has caused, if it is the next one of its room for it. It leaves
    /// together with the answer then, and is passed over when it comes by way of the RoomHub. If it is not the
    /// next one, it comes by that way alone.
    pub(crate) fn deliver_own(&self, connection: ConnectionId, event: Envelope) {
        let delivered =
            self.with_effects(|sessions, effects| sessions.deliver_own(connection, event, effects));
        self.0.shared.metrics.deliveries.inc_by(delivered.queued);
    }

    pub(super) fn list(&self, filter: SessionFilter, page: &Page<ConnectionId>) -> Vec<LiveSession> {
        self.0.sessions.borrow().list(filter, page)
    }

    /// Runs the commands (revocations, and sessions to close) that have been listed since the last call.
    fn run_commands(&self) {
        let WorkerCommands { listed, overflowed } = self.0.worker.take_commands();
        if overflowed {
            log::error!("more rights ended at once than can be listed: all sessions must come back");
            self.evict_some(usize::MAX, |sessions, connection, effects| {
                sessions.evict(connection, CloseReason::Internal, effects);
            });
        }
        for command in listed {
            match command {
                WorkerCommand::End(revocation) => {
                    self.with_effects(|sessions, effects| sessions.end(&revocation, effects))
                }
                WorkerCommand::Close { connection, reason, reply } => {
                    let was_here =
                        self.with_effects(|sessions, effects| sessions.evict(connection, reason, effects));
                    // The caller may have stopped waiting.
                    let _ = reply.send(was_here);
                }
            }
        }
    }

    pub(super) fn tick(&self, now: Instant) {
        self.run_commands();
        let (waiting, aborts) = self.with_effects(|sessions, effects| {
            // Before the pings of this tick, which all leave within a moment.
            let waiting = sessions.waiting();
            sessions.tick(now, effects);
            (waiting, effects.aborts.len())
        });
        // The gauge is the sum over all threads.
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.0.shared.metrics.outbox_bytes.add(waiting - self.0.waiting.replace(waiting));
        self.0.shared.metrics.aborts.inc_by(u64::try_from(aborts).unwrap_or(0));
    }

    /// Evicts the next batch of sessions because the server shuts down; returns how many there were.
    pub(super) fn evict_batch(&self, pace: &mut Pace) -> usize {
        self.evict_some(pace.batch(), |sessions, connection, effects| {
            sessions.send_away(connection, pace, effects);
        })
    }

    fn evict_some(
        &self,
        at_most: usize,
        mut evict: impl FnMut(&mut Sessions, ConnectionId, &mut Effects),
    ) -> usize {
        let active = self.0.sessions.borrow().active_connections(at_most);
        self.with_effects(|sessions, effects| {
            for connection in &active {
                evict(sessions, *connection, effects);
            }
        });
        active.len()
    }

    /// Changes the sessions, then carries out the effects with nothing borrowed.
    fn with_effects<R>(&self, change: impl FnOnce(&mut Sessions, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let result = change(&mut self.0.sessions.borrow_mut(), &mut effects);
        let Effects { evictions, aborts, departures } = effects;
        for (evict, reason, closing) in evictions {
            self.0.shared.metrics.evictions.with_label_values(&[reason.name()]).inc();
            evict(reason, closing);
        }
        for abort in aborts {
            abort();
        }
        self.report(departures);
        result
    }

    /// Reports ended memberships to the RoomHub. What its full mailbox refuses is reported again at the next
    /// tick at the latest.
    fn report(&self, departures: Vec<Departure>) {
        let gone = i64::try_from(departures.len()).unwrap_or(0);
        self.0.shared.metrics.memberships.sub(gone);
        let mut unreported = self.0.unreported.borrow_mut();
        unreported.extend(departures);
        if !unreported.is_empty() {
            *unreported = self.0.shared.report(std::mem::take(&mut unreported));
        }
    }

    #[cfg(test)]
    pub(in crate::hub) fn check_invariants(&self) {
        self.0.sessions.borrow().check_invariants();
    }
}

/// A session's registration, by which it reports that its client is alive. Dropping it unregisters the
/// session.
pub struct RegistrationHandle {
    hub: LocalHub,
    connection: ConnectionId,
    activity: Rc<Activity>,
}

impl RegistrationHandle {
    /// The registered connection.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Records that something was received from the client: any message, also a pong.
    pub(crate) fn seen(&self) {
        self.activity.seen.set(self.hub.0.sessions.borrow().now());
    }

    /// Counts a message of the client.
    pub(crate) fn count_message(&self) {
        self.activity.messages.set(self.activity.messages.get().saturating_add(1));
    }

    /// Keeps for admins that the session has ended, and why; `None`: its client ended it.
    pub(crate) fn ended(&self, reason: Option<CloseReason>, at: Timestamp) {
        let ended = self.hub.0.sessions.borrow().ended(self.connection, reason, at);
        if let Some(ended) = ended {
            self.hub.0.shared.ended.add(ended);
        }
    }

    /// Records a frame of the session, if it is recorded.
    pub(crate) fn record(&self, frame: impl FnOnce() -> FrameSeen) {
        self.hub.0.shared.recorder.record(self.connection, frame);
    }

    /// Replaces the credentials that the session depends on (in-band refresh). As with registering: renew
    /// first, then check that the new token is not revoked.
    pub(crate) fn renew(&self, credentials: Credentials) {
        self.hub.0.sessions.borrow_mut().renew(self.connection, credentials);
    }
}

impl Drop for RegistrationHandle {
    fn drop(&mut self) {
        self.hub.with_effects(|sessions, effects| sessions.unregister(self.connection, effects));
        self.hub.0.shared.metrics.sessions.dec();
    }
}

/// A membership whose live events are buffered until it is spliced. Dropped before that, it ends.
#[must_use]
pub struct Joined {
    hub: LocalHub,
    membership: MembershipRef,
    head: Seq,
    is_kept: bool,
}

impl Joined {
    /// The room's head at the time of the join. Every event up to it is in the log; the caller must read at
    /// least that far.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Tells the hub that the log was read up to `up_to`, in the snapshot in which the standing was checked, and
    /// that the events read are in the outbox. Live events continue from there, unless the standing ended after
    /// that.
    pub fn splice(&mut self, up_to: Seq) -> Spliced {
        let spliced =
            self.hub.with_effects(|sessions, effects| sessions.splice(&self.membership, up_to, effects));
        self.is_kept = spliced == Spliced::Live;
        spliced
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if !self.is_kept {
            self.hub.with_effects(|sessions, effects| sessions.end_membership(&self.membership, effects));
        }
    }
}
