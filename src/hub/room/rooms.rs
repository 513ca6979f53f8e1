//! All rooms that have members: who they are, which event is next, and which worker threads must get it.
//!
//! A plain struct behind the RoomHub. It mirrors the memberships that the LocalHubs own. A room without
//! members keeps no state, because the log has everything that is needed to start it again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::db::Head;
use crate::events::Envelope;
use crate::hub::message::{Exclude, Join, MembershipRef};
use crate::hub::room::output::{Read, ReadWhat, RoomOutput};
use crate::hub::{Delivery, JoinError, LatestKey, RoomSnapshot};
use crate::ids::{Room, Seq, UserId};
use crate::protocol::{Notice, PresenceChange, TaskFocus};

use super::state::{Departed, Phase, RoomState};

pub(super) struct Rooms {
    rooms: HashMap<Room, RoomState>,
    /// Rooms that `repair` must look at: a gap that may not close by itself, a worker that refused a message,
    /// a read that failed.
    needs_repair: BTreeSet<Room>,
    generations: u64,
    gap_timeout: Duration,
}

impl Rooms {
    pub(super) fn new(gap_timeout: Duration) -> Self {
        Self { rooms: HashMap::new(), needs_repair: BTreeSet::new(), generations: 0, gap_timeout }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn join(&mut self, join: Join, output: &mut impl RoomOutput) {
        let Join { room, connection, user, reply, .. } = join;
        let state = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.generations += 1;
            output.read(Read { room: room.clone(), generation: self.generations, what: ReadWhat::Head });
            RoomState::new(self.generations)
        });
        let is_first = state.add(connection, user, join.dialect, join.worker, join.membership);
        match &mut state.phase {
            Phase::Starting { waiting, .. } => waiting.push(reply),
            // A caller that stopped waiting has ended its membership or is about to.
            Phase::Running(sequencer) => drop(reply.send(Ok(sequencer.head()))),
        }
        if is_first {
            self.tell_presence(&room, user, PresenceChange::Joined(user), output);
        }
    }

    pub(super) fn depart(&mut self, departure: &MembershipRef, output: &mut impl RoomOutput) {
        let Some(state) = self.rooms.get_mut(&departure.room) else { return };
        let Some(Departed { focus, last_of }) = state.remove(departure.connection, departure.membership)
        else {
            return;
        };
        if state.is_empty() {
            self.rooms.remove(&departure.room);
            self.needs_repair.remove(&departure.room);
            return;
        }
        if let Some(focus) = focus {
            self.tell_focus(&departure.room, TaskFocus { task_id: None, editing: false, ..focus }, output);
        }
        if let Some(user) = last_of {
            self.tell_presence(&departure.room, user, PresenceChange::Left(user), output);
        }
    }

    /// A member looks at or edits something else from now on.
    pub(super) fn focus(&mut self, room: &Room, focus: TaskFocus, output: &mut impl RoomOutput) {
        if self.rooms.get_mut(room).is_some_and(|state| state.set_focus(&focus)) {
            self.tell_focus(room, focus, output);
        }
    }

    /// What the members look at or edit.
    pub(super) fn focused(&self, room: &Room) -> Vec<TaskFocus> {
        self.rooms.get(room).map(RoomState::focused).unwrap_or_default()
    }

    fn tell_focus(&mut self, room: &Room, focus: TaskFocus, output: &mut impl RoomOutput) {
        let delivery = Delivery::Latest(LatestKey::focus(room.clone(), focus.session_id));
        let exclude = Exclude::Connection(focus.session_id);
        self.broadcast(room, &Notice::Focus { room: room.clone(), focus }, &delivery, exclude, output);
    }

    fn tell_presence(
        &mut self,
        room: &Room,
        user: UserId,
        change: PresenceChange,
        output: &mut impl RoomOutput,
    ) {
        if has_presence(room) {
            let notice = Notice::Presence { room: room.clone(), change };
            let delivery = Delivery::Latest(LatestKey::presence(room.clone(), user));
            self.broadcast(room, &notice, &delivery, Exclude::User(user), output);
        }
    }

    /// Broadcasts a notice that is not stored; returns how many workers refused it.
    pub(super) fn broadcast(
        &mut self,
        room: &Room,
        notice: &Notice,
        delivery: &Delivery,
        exclude: Exclude,
        output: &mut impl RoomOutput,
    ) -> usize {
        self.rooms.get(room).map_or(0, |state| state.broadcast(room, notice, delivery, exclude, output))
    }

    /// Accepts a committed event, and sends every event that is in order now.
    pub(super) fn offer(&mut self, event: Envelope, now: Instant, output: &mut impl RoomOutput) {
        let Some(state) = self.rooms.get_mut(&event.room) else { return };
        let room = event.room.clone();
        match &mut state.phase {
            Phase::Starting { missed, .. } => *missed = true,
            Phase::Running(sequencer) => sequencer.offer(event, now),
        }
        if state.send_ready(now, output) {
            self.needs_repair.insert(room);
        }
    }

    /// The log has the events up to this one. Those of another process are read at once, those of this one
    /// only if they are not reported soon.
    pub(super) fn advance(&mut self, head: &Head, now: Instant, output: &mut impl RoomOutput) {
        let Some(state) = self.rooms.get_mut(&head.room) else { return };
        match &mut state.phase {
            Phase::Starting { missed, .. } => *missed = true,
            Phase::Running(sequencer) if sequencer.head() >= head.seq => return,
            Phase::Running(sequencer) => sequencer.expect(head.seq, now),
        }
        if !head.is_own {
            state.stale = true;
            state.read(&head.room, output);
        }
        if state.needs_repair(now) {
            self.needs_repair.insert(head.room.clone());
        }
    }

    /// A read of the room's head has finished.
    pub(super) fn head_read(
        &mut self,
        read: &Read,
        head: Result<Seq, JoinError>,
        now: Instant,
        output: &mut impl RoomOutput,
    ) {
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.generation == read.generation)
        else {
            return;
        };
        match head {
            Ok(head) => {
                state.begin(head);
                self.repair_room(&read.room, now, output);
            }
            Err(error) => {
                // Every member is still waiting for its join to be answered: all joins fail, and the next one
                // starts the room again.
                state.refuse(error);
                self.rooms.remove(&read.room);
                self.needs_repair.remove(&read.room);
            }
        }
    }

    /// A read of the events after a position has finished. `None`: the log could not be read.
    pub(super) fn events_read(
        &mut self,
        read: &Read,
        events: Option<Vec<Envelope>>,
        now: Instant,
        output: &mut impl RoomOutput,
    ) {
        let ReadWhat::After(since) = read.what else { return };
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.generation == read.generation)
        else {
            return;
        };
        state.reading = false;
        match events {
            Some(events) => {
                if state.catch_up(since, events, now, output) {
                    self.needs_repair.insert(read.room.clone());
                }
                if state.stale {
                    state.read(&read.room, output);
                }
            }
            None => {
                state.stale = true;
                self.needs_repair.insert(read.room.clone());
            }
        }
    }

    /// Reports were lost: reads the log for every room.
    pub(super) fn catch_up_all(&mut self, output: &mut impl RoomOutput) {
        for (room, state) in &mut self.rooms {
            state.stale = true;
            state.read(room, output);
        }
    }

    /// Repairs the rooms that need it; returns whether another call is due.
    pub(super) fn repair(&mut self, now: Instant, output: &mut impl RoomOutput) -> bool {
        for room in std::mem::take(&mut self.needs_repair) {
            self.repair_room(&room, now, output);
        }
        self.needs_repair()
    }

    pub(super) fn needs_repair(&self) -> bool {
        !self.needs_repair.is_empty()
    }

    fn repair_room(&mut self, room: &Room, now: Instant, output: &mut impl RoomOutput) {
        let Some(state) = self.rooms.get_mut(room) else { return };
        if state.stale || state.is_behind() || state.gap_is_overdue(now, self.gap_timeout) {
            state.read(room, output);
        }
        if state.needs_repair(now) {
            self.needs_repair.insert(room.clone());
        }
    }

    /// The users in a room, each once.
    pub(super) fn users_in(&self, room: &Room) -> Vec<UserId> {
        self.rooms.get(room).map(RoomState::users).unwrap_or_default()
    }

    /// The rooms with the most members, at most `at_most` of them.
    pub(super) fn largest(&self, at_most: usize) -> Vec<RoomSnapshot> {
        let mut all: Vec<_> = self.rooms.iter().map(|(room, state)| state.snapshot(room)).collect();
        all.sort_by(|a, b| b.members.cmp(&a.members).then_with(|| a.room.cmp(&b.room)));
        all.truncate(at_most);
        all
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        for state in self.rooms.values() {
            state.check_invariants();
        }
        assert!(
            self.needs_repair.iter().all(|room| self.rooms.contains_key(room)),
            "only rooms have troubles"
        );
    }
}

/// Whether members of a room are sent `presence`. In a market room it would reveal competitors to each other;
/// in the admins' rooms and a user's own room it has no meaning.
fn has_presence(room: &Room) -> bool {
    match room {
        Room::Session(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::Conversation(_)
        | Room::LoadTest(_) => true,
        Room::User(_)
        | Room::Market(_)
        | Room::Entry(_)
        | Room::Simulation(_)
        | Room::Metrics
        | Room::Admin => false,
    }
}
