//! One room: its members, and the last event that each worker thread has taken.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::events::Envelope;
use crate::hub::ephemeral::Ephemeral;
use crate::hub::message::{
    Contents, EncodedNotice, Exclude, Join, MembershipId, RoomMessage, WorkerId, event_notice,
};
use crate::hub::relay::Relayed;
use crate::hub::{Delivery, JoinError, MembershipSpan, RoomSnapshot};
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::protocol::{Dialect, Notice, TaskFocus};

use super::audience::{Audience, Audiences};
use super::elsewhere::Elsewhere;
use super::last_minute::LastMinute;
use super::output::{PAGE, Read, ReadWhat, RoomOutput};
use super::sequencer::Sequencer;

pub(super) struct RoomState {
    /// Number of this instance of the room. A room that is removed and started again gets a new one, so that
    /// results of earlier reads are recognised as stale.
    pub(super) generation: u64,
    /// From this position on this instance knows the members, once it runs.
    known_since: Seq,
    pub(super) phase: Phase,
    /// A read of events is in progress.
    pub(super) reading: bool,
    /// The log has, or may have, events that the members have not been sent.
    pub(super) stale: bool,
    members: HashMap<ConnectionId, Member>,
    /// Number of member connections of each user.
    users: HashMap<UserId, usize>,
    audiences: Audiences,
    /// Events that were sent.
    events: LastMinute,
    /// The members on other nodes.
    pub(super) elsewhere: Elsewhere,
    /// A read of them is in progress.
    pub(super) reading_elsewhere: bool,
    /// The last read of them failed.
    pub(super) stale_elsewhere: bool,
}

pub(super) enum Phase {
    /// The room's head is being read. Events that are reported meanwhile are covered by that head or must be
    /// read from the log after it (`missed`).
    Starting {
        waiting: Vec<oneshot::Sender<Result<Seq, JoinError>>>,
        missed: bool,
    },
    Running(Sequencer),
}

struct Member {
    user: UserId,
    /// Whose connection it is.
    holder: UserId,
    /// The head when it joined; not known while the room starts.
    after: Seq,
    dialect: Dialect,
    worker: WorkerId,
    membership: MembershipId,
    /// What it looks at or edits, if the room is a board's.
    focus: Option<Box<TaskFocus>>,
}

/// What is left of a member that has gone.
pub(super) struct Departed {
    /// What it looked at or edited.
    pub(super) focus: Option<Box<TaskFocus>>,
    /// The user, if this was the user's last connection in the room.
    pub(super) last_of: Option<UserId>,
    /// Whose connection it was.
    pub(super) holder: UserId,
    /// The head when it joined.
    pub(super) after: Seq,
}

impl RoomState {
    pub(super) fn new(generation: u64) -> Self {
        Self {
            generation,
            known_since: Seq::START,
            phase: Phase::Starting { waiting: Vec::new(), missed: false },
            reading: false,
            stale: false,
            members: HashMap::new(),
            users: HashMap::new(),
            audiences: Audiences::default(),
            events: LastMinute::default(),
            elsewhere: Elsewhere::default(),
            reading_elsewhere: false,
            stale_elsewhere: false,
        }
    }

    /// Adds a member, or replaces its membership; returns whether it is its user's first connection in the
    /// room.
    pub(super) fn add(&mut self, join: &Join) -> bool {
        let Join { connection, user, holder, dialect, worker, membership, .. } = *join;
        let is_first = !self.users.contains_key(&user);
        let head = self.head().unwrap_or_default();
        let known = self.members.remove(&connection);
        if let Some(known) = &known {
            self.discount(known);
        }
        // Of a connection that joins again, what it was sent before counts as well.
        let after = known.as_ref().map_or(head, |known| known.after);
        let focus = known.and_then(|known| known.focus);
        let member = Member { user, holder, after, dialect, worker, membership, focus };
        self.members.insert(connection, member);
        self.audiences.add(worker, dialect, head);
        *self.users.entry(user).or_default() += 1;
        is_first
    }

    /// Removes a member if `membership` is still its current one.
    pub(super) fn remove(&mut self, connection: ConnectionId, membership: MembershipId) -> Option<Departed> {
        self.members.get(&connection).filter(|member| member.membership == membership)?;
        let member = self.members.remove(&connection)?;
        self.discount(&member);
        let last_of = (!self.users.contains_key(&member.user)).then_some(member.user);
        Some(Departed { focus: member.focus, last_of, holder: member.holder, after: member.after })
    }

    /// Remembers what a member looks at or edits; returns whether it is a member.
    pub(super) fn set_focus(&mut self, focus: &TaskFocus) -> bool {
        let Some(member) = self.members.get_mut(&focus.session_id) else { return false };
        member.focus = focus.task_id.is_some().then(|| Box::new(focus.clone()));
        true
    }

    /// What the members here look at or edit.
    pub(super) fn focused_here(&self) -> impl Iterator<Item = &TaskFocus> {
        self.members.values().filter_map(|member| member.focus.as_deref())
    }

    /// Tells the other nodes what the members here look at or edit.
    pub(super) fn tell_focus(&self, room: &Room, output: &mut impl RoomOutput) {
        for focus in self.focused_here() {
            output.relay(|| Relayed::Ephemeral {
                ephemeral: Ephemeral::Focus { room: room.clone(), focus: focus.clone() },
                exclude: Exclude::Nobody,
            });
        }
    }

    /// What the members look at or edit, on all nodes.
    pub(super) fn focused(&self) -> Vec<TaskFocus> {
        let mut focused: Vec<_> = self.focused_here().chain(self.elsewhere.focused()).cloned().collect();
        focused.sort_unstable_by_key(|focus| focus.session_id);
        focused
    }

    fn discount(&mut self, member: &Member) {
        self.audiences.remove(member.worker, member.dialect);
        if let Some(connections) = self.users.get_mut(&member.user) {
            *connections -= 1;
            if *connections == 0 {
                self.users.remove(&member.user);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the user is in the room on this node.
    pub(super) fn has_here(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    /// The users on this node.
    pub(super) fn users_here(&self) -> impl Iterator<Item = UserId> {
        self.users.keys().copied()
    }

    /// The users on all nodes, each once.
    pub(super) fn users(&self) -> Vec<UserId> {
        let users: BTreeSet<UserId> = self.users_here().chain(self.elsewhere.users()).collect();
        users.into_iter().collect()
    }

    /// Requests a read of who is elsewhere. One that is in progress may be too old: it is followed by another.
    pub(super) fn read_elsewhere(&mut self, room: &Room, output: &mut impl RoomOutput) {
        if std::mem::replace(&mut self.reading_elsewhere, true) {
            self.elsewhere.version += 1;
        } else {
            let what = ReadWhat::Elsewhere(self.elsewhere.version);
            output.read(Read { room: room.clone(), generation: self.generation, what });
        }
    }

    fn head(&self) -> Option<Seq> {
        match &self.phase {
            Phase::Starting { .. } => None,
            Phase::Running(sequencer) => Some(sequencer.head()),
        }
    }

    /// The head is known: answers the waiting joins.
    pub(super) fn begin(&mut self, head: Seq) {
        if let Phase::Starting { waiting, missed } = &mut self.phase {
            self.stale |= *missed;
            for reply in waiting.drain(..) {
                let _ = reply.send(Ok(head));
            }
            self.phase = Phase::Running(Sequencer::after(head));
            for audience in self.audiences.iter_mut() {
                audience.sent = head;
            }
            for member in self.members.values_mut() {
                member.after = head;
            }
            self.known_since = head.next();
        }
    }

    pub(super) fn refuse(&mut self, error: JoinError) {
        if let Phase::Starting { waiting, .. } = &mut self.phase {
            for reply in waiting.drain(..) {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Sends every event that is in order; returns whether a repair is still needed.
    pub(super) fn send_ready(&mut self, now: Instant, output: &mut impl RoomOutput) -> bool {
        while let Phase::Running(sequencer) = &mut self.phase
            && let Some(event) = sequencer.take_ready()
        {
            self.send(event, now, output);
        }
        self.needs_repair(now)
    }

    /// Accepts the events that the log has after `since`; returns whether a repair is still needed.
    pub(super) fn catch_up(
        &mut self,
        since: Seq,
        events: Vec<Envelope>,
        now: Instant,
        output: &mut impl RoomOutput,
    ) -> bool {
        let is_last_page = events.len() < PAGE;
        self.stale |= !is_last_page;
        let slowest = self.audiences.slowest();
        if let Some(first) = events.first().map(|event| event.seq).filter(|first| *first > since.next()) {
            self.skip_to(first, since);
        }
        for event in events {
            match &mut self.phase {
                Phase::Running(sequencer) if event.seq >= sequencer.next() => {
                    sequencer.offer(event, now);
                    self.send_ready(now, output);
                }
                Phase::Running(_) => self.send(event, now, output),
                Phase::Starting { .. } => {}
            }
        }
        if let Phase::Running(sequencer) = &mut self.phase
            && is_last_page
        {
            sequencer.read_to_end();
        }
        // A worker that accepts messages again is caught up at once; one that still refuses waits for the
        // next repair.
        self.stale |= self.is_behind() && self.audiences.slowest() > slowest;
        self.needs_repair(now)
    }

    /// The log itself has a gap, which must never happen. Members behind it are evicted and have to resume.
    fn skip_to(&mut self, first: Seq, since: Seq) {
        log::error!(since = since.0, first = first.0; "a room's log has a hole");
        if let Phase::Running(sequencer) = &mut self.phase {
            sequencer.skip_to(first);
        }
        for audience in self.audiences.iter_mut() {
            audience.sent = audience.sent.max(Seq(first.0.saturating_sub(1)));
        }
    }

    /// Sends an event to each worker for which it is the next one.
    fn send(&mut self, event: Envelope, now: Instant, output: &mut impl RoomOutput) {
        self.events.count(now);
        let (room, seq) = (event.room.clone(), event.seq);
        let waits = |audience: &Audience| audience.sent.next() == seq;
        let in_use =
            |dialect| self.audiences.iter().any(|audience| waits(audience) && audience.has_dialect(dialect));
        let notice = event_notice(event);
        let (name, encoded) = (notice.name(), Arc::new(EncodedNotice::encode(&notice, in_use)));
        for audience in self.audiences.iter_mut().filter(|audience| waits(audience)) {
            let contents = Contents::Event(seq);
            let message = RoomMessage { room: room.clone(), name, encoded: encoded.clone(), contents };
            if output.deliver(audience.worker, message).is_ok() {
                audience.sent = seq;
            }
        }
    }

    pub(super) fn broadcast(
        &self,
        room: &Room,
        notice: &Notice,
        delivery: &Delivery,
        exclude: Exclude,
        output: &mut impl RoomOutput,
    ) -> usize {
        let in_use = |dialect| self.audiences.iter().any(|audience| audience.has_dialect(dialect));
        let encoded = Arc::new(EncodedNotice::encode(notice, in_use));
        let message = || RoomMessage {
            room: room.clone(),
            name: notice.name(),
            encoded: encoded.clone(),
            contents: Contents::Ephemeral { delivery: delivery.clone(), exclude },
        };
        self.audiences.iter().filter(|audience| output.deliver(audience.worker, message()).is_err()).count()
    }

    /// Requests a read of the events that members lack, unless one is in progress.
    pub(super) fn read(&mut self, room: &Room, output: &mut impl RoomOutput) {
        match &mut self.phase {
            Phase::Starting { missed, .. } => *missed = true,
            Phase::Running(_) if self.reading => {}
            Phase::Running(sequencer) => {
                let since = self.audiences.slowest().unwrap_or_default().min(sequencer.head());
                sequencer.reading();
                self.reading = true;
                self.stale = false;
                output.read(Read {
                    room: room.clone(),
                    generation: self.generation,
                    what: ReadWhat::After(since),
                });
            }
        }
    }

    /// Whether a worker has refused events that others have accepted.
    pub(super) fn is_behind(&self) -> bool {
        self.head().is_some_and(|head| self.audiences.iter().any(|audience| audience.sent < head))
    }

    pub(super) fn gap_is_overdue(&mut self, now: Instant, timeout: Duration) -> bool {
        self.gap(now).is_some_and(|since| now.saturating_duration_since(since) >= timeout)
    }

    pub(super) fn needs_repair(&mut self, now: Instant) -> bool {
        self.stale || self.stale_elsewhere || self.is_behind() || self.gap(now).is_some()
    }

    fn gap(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.phase {
            Phase::Starting { .. } => None,
            Phase::Running(sequencer) => sequencer.gap(now),
        }
    }

    /// From which position on the members are known; `None` while the room starts.
    pub(super) fn known_since(&self) -> Option<Seq> {
        self.head().map(|_| self.known_since)
    }

    /// Memberships that were sent events before this position are forgotten.
    pub(super) fn forget_before(&mut self, position: Seq) {
        self.known_since = self.known_since.max(position);
    }

    /// The members who were here when the event at this position was sent, or will be.
    pub(super) fn present(&self, at: Seq) -> impl Iterator<Item = MembershipSpan> {
        let is_running = self.head().is_some();
        let spans = self.members.iter().map(|(connection, member)| MembershipSpan {
            connection: *connection,
            user: member.holder,
            after: member.after,
            until: None,
        });
        spans.filter(move |span| is_running && span.covers(at))
    }

    pub(super) fn snapshot(&self, room: &Room, now: Instant) -> RoomSnapshot {
        RoomSnapshot {
            room: room.clone(),
            members: self.members.len(),
            users: self.users.len(),
            head: self.head(),
            events: self.events.total(now),
        }
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert!(!self.members.is_empty(), "a room without members is forgotten");
        assert_eq!(self.users.values().sum::<usize>(), self.members.len(), "each member counts for its user");
        assert!(self.users.values().all(|count| *count > 0));
        self.audiences.check_invariants(self.members.len());
        match &self.phase {
            Phase::Starting { .. } => assert!(!self.reading, "first the head, then events"),
            Phase::Running(sequencer) => {
                sequencer.check_invariants();
                let head = sequencer.head();
                assert!(self.audiences.iter().all(|audience| audience.sent <= head), "nothing is sent early");
            }
        }
    }
}
