//! All rooms that have members: who they are, which event is next, and which worker threads must get it.
//!
//! A plain struct behind the RoomHub. It mirrors the memberships that the LocalHubs own. A room without
//! members keeps no state, because the log has everything that is needed to start it again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::db::{Head, MemberElsewhere, PresenceElsewhere};
use crate::events::{Envelope, RoomPresence};
use crate::hub::ephemeral::Ephemeral;
use crate::hub::message::{Departure, Exclude, Join, MembershipRef};
use crate::hub::presence::has_presence;
use crate::hub::relay::Relayed;
use crate::hub::room::output::{Read, ReadWhat, RoomOutput};
use crate::hub::{
    Delivery, JoinError, LatestKey, MembershipSpan, PresenceAt, RoomList, RoomQuery, RoomStart,
};
use crate::ids::{NodeId, Room, Seq, UserId};
use crate::protocol::{Notice, PresenceChange, TaskFocus};

use super::history::History;
use super::state::{Departed, Phase, RoomState};

pub(super) struct Rooms {
    rooms: HashMap<Room, Box<RoomState>>,
    /// Rooms that `repair` must look at: a gap that may not close by itself, a worker that refused a message,
    /// a read that failed.
    needs_repair: BTreeSet<Room>,
    /// Memberships that ended lately.
    history: History,
    generations: u64,
    gap_timeout: Duration,
}

impl Rooms {
    pub(super) fn new(gap_timeout: Duration) -> Self {
        Self {
            rooms: HashMap::new(),
            needs_repair: BTreeSet::new(),
            history: History::default(),
            generations: 0,
            gap_timeout,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn join(&mut self, join: Join, output: &mut impl RoomOutput) {
        let (room, user) = (&join.room, join.user);
        let state = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.generations += 1;
            output.read(Read { room: room.clone(), generation: self.generations, what: ReadWhat::Start });
            if let Room::Project(_) = room {
                output.relay(|| Relayed::WantsFocus(room.clone()));
            }
            Box::new(RoomState::new(self.generations))
        });
        let is_first = state.add(&join);
        match &mut state.phase {
            Phase::Starting { waiting, .. } => waiting.push(join.reply),
            // A caller that stopped waiting has ended its membership or is about to.
            Phase::Running(sequencer) => drop(join.reply.send(Ok(sequencer.head()))),
        }
        if is_first && has_presence(room) {
            output.presence(room, user, true);
            if !state.elsewhere.has(user) {
                self.tell_presence(room, user, PresenceChange::Joined(user), output);
            }
        }
    }

    pub(super) fn depart(&mut self, departure: &Departure, now: Instant, output: &mut impl RoomOutput) {
        let Departure { membership: MembershipRef { connection, room, membership }, last } = departure;
        let Some(state) = self.rooms.get_mut(room) else { return };
        let Some(departed) = state.remove(*connection, *membership) else { return };
        let Departed { focus, last_of, holder, after } = departed;
        if let (Some(_), Some(known_since)) = (last, state.known_since()) {
            let span = MembershipSpan { connection: *connection, user: holder, after, until: *last };
            self.history.keep(room, span, known_since, now);
        }
        let leaver = last_of.filter(|_| has_presence(room));
        if let Some(user) = leaver {
            output.presence(room, user, false);
        }
        let leaver = leaver.filter(|user| !state.elsewhere.has(*user));
        let is_empty = state.is_empty();
        if let Some(focus) = focus {
            self.tell_focus(room, TaskFocus { task_id: None, editing: false, ..*focus }, output);
        }
        if is_empty {
            self.rooms.remove(room);
            self.needs_repair.remove(room);
        } else if let Some(user) = leaver {
            self.tell_presence(room, user, PresenceChange::Left(user), output);
        }
        self.forget(now);
    }

    /// Forgets the memberships that ended too long ago, or are too many.
    fn forget(&mut self, now: Instant) {
        while let Some((room, known_since)) = self.history.forget(now) {
            if let Some(state) = self.rooms.get_mut(&room) {
                state.forget_before(known_since);
            }
        }
    }

    /// Who was in a room when the event at this position was sent.
    pub(super) fn present_at(&mut self, room: &Room, at: Seq, now: Instant) -> PresenceAt {
        self.forget(now);
        let state = self.rooms.get(room);
        let known_here = state.and_then(|state| state.known_since());
        let here = state.into_iter().flat_map(|state| state.present(at));
        PresenceAt {
            known_since: self.history.known_since(room).or(known_here),
            members: self.history.present(room, at).cloned().chain(here).collect(),
        }
    }

    /// A user came to a room on another node, or left it there.
    pub(super) fn present_elsewhere(&mut self, told: PresenceElsewhere, output: &mut impl RoomOutput) {
        let PresenceElsewhere { node, change: RoomPresence { room, user, is_present } } = told;
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let has_changed = state.elsewhere.change(MemberElsewhere { user, node }, is_present);
        let is_told = has_changed && !state.has_here(user);
        let lost = state.elsewhere.take_lost_focus();
        self.tell_lost_focus(&room, lost, output);
        if is_told {
            let change = if is_present { PresenceChange::Joined(user) } else { PresenceChange::Left(user) };
            self.tell_presence(&room, user, change, output);
        }
    }

    /// What connections on other nodes looked at when they left: they look at nothing now.
    fn tell_lost_focus(&mut self, room: &Room, lost: Vec<TaskFocus>, output: &mut impl RoomOutput) {
        for focus in lost {
            let focus = TaskFocus { task_id: None, editing: false, ..focus };
            self.broadcast_here(Ephemeral::Focus { room: room.clone(), focus }, Exclude::Nobody, output);
        }
    }

    /// Other nodes have come or gone: who is there must be read anew, and a new one told what the members here look
    /// at.
    pub(super) fn nodes_changed(&mut self, output: &mut impl RoomOutput) {
        for (room, state) in self.rooms.iter_mut().filter(|(room, _)| has_presence(room)) {
            state.read_elsewhere(room, output);
            state.tell_focus(room, output);
        }
    }

    /// A read of who is elsewhere has finished. `None`: it failed.
    pub(super) fn elsewhere_read(
        &mut self,
        read: &Read,
        members: Option<Vec<MemberElsewhere>>,
        output: &mut impl RoomOutput,
    ) {
        let ReadWhat::Elsewhere(version) = read.what else { return };
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.generation == read.generation)
        else {
            return;
        };
        state.reading_elsewhere = false;
        match members {
            Some(members) if state.elsewhere.version == version => {
                self.replace_elsewhere(&read.room, &members, output)
            }
            // It may be older than what has changed meanwhile.
            Some(_) => state.read_elsewhere(&read.room, output),
            None => {
                state.stale_elsewhere = true;
                self.needs_repair.insert(read.room.clone());
            }
        }
    }

    fn replace_elsewhere(&mut self, room: &Room, members: &[MemberElsewhere], output: &mut impl RoomOutput) {
        let Some(state) = self.rooms.get_mut(room) else { return };
        let (mut came, mut left) = state.elsewhere.replace(members);
        came.retain(|user| !state.has_here(*user));
        left.retain(|user| !state.has_here(*user));
        let lost = state.elsewhere.take_lost_focus();
        self.tell_lost_focus(room, lost, output);
        for user in came {
            self.tell_presence(room, user, PresenceChange::Joined(user), output);
        }
        for user in left {
            self.tell_presence(room, user, PresenceChange::Left(user), output);
        }
    }

    /// The rooms and users that other nodes are told of.
    pub(super) fn present(&self) -> Vec<(Room, UserId)> {
        let shown = self.rooms.iter().filter(|(room, _)| has_presence(room));
        shown.flat_map(|(room, state)| state.users_here().map(|user| (room.clone(), user))).collect()
    }

    /// A member looks at or edits something else from now on.
    pub(super) fn focus(&mut self, room: &Room, focus: TaskFocus, output: &mut impl RoomOutput) {
        if self.rooms.get_mut(room).is_some_and(|state| state.set_focus(&focus)) {
            self.tell_focus(room, focus, output);
        }
    }

    /// What the members look at or edit.
    pub(super) fn focused(&self, room: &Room) -> Vec<TaskFocus> {
        self.rooms.get(room).map(|state| state.focused()).unwrap_or_default()
    }

    fn tell_focus(&mut self, room: &Room, focus: TaskFocus, output: &mut impl RoomOutput) {
        let exclude = Exclude::Connection(focus.session_id);
        self.broadcast(Ephemeral::Focus { room: room.clone(), focus }, exclude, output);
    }

    /// Another node has its first member on this board: it is told what the members here look at.
    pub(super) fn tell_all_focus(&self, room: &Room, output: &mut impl RoomOutput) {
        if let Some(state) = self.rooms.get(room) {
            state.tell_focus(room, output);
        }
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
            self.tell_here(room, &notice, &delivery, Exclude::User(user), output);
        }
    }

    /// Tells the members on all nodes a notice that is not stored.
    pub(super) fn broadcast(&mut self, ephemeral: Ephemeral, exclude: Exclude, output: &mut impl RoomOutput) {
        if ephemeral.crosses_nodes() {
            output.relay(|| Relayed::Ephemeral { ephemeral: ephemeral.clone(), exclude });
        }
        self.broadcast_here(ephemeral, exclude, output);
    }

    /// Tells the members here a notice of another node.
    pub(super) fn relayed(
        &mut self,
        node: NodeId,
        ephemeral: Ephemeral,
        exclude: Exclude,
        output: &mut impl RoomOutput,
    ) {
        if let Ephemeral::Focus { room, focus } = &ephemeral {
            let state = self.rooms.get_mut(room);
            if !state.is_some_and(|state| state.elsewhere.set_focus(node, focus)) {
                return;
            }
        }
        self.broadcast_here(ephemeral, exclude, output);
    }

    fn broadcast_here(&mut self, ephemeral: Ephemeral, exclude: Exclude, output: &mut impl RoomOutput) {
        let (room, delivery) = (ephemeral.room(), ephemeral.delivery());
        self.tell_here(&room, &ephemeral.into_notice(), &delivery, exclude, output);
    }

    fn tell_here(
        &mut self,
        room: &Room,
        notice: &Notice,
        delivery: &Delivery,
        exclude: Exclude,
        output: &mut impl RoomOutput,
    ) {
        if let Some(state) = self.rooms.get(room) {
            state.broadcast(room, notice, delivery, exclude, output);
        }
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

    /// The read that starts the room has finished.
    pub(super) fn started(
        &mut self,
        read: &Read,
        start: Result<RoomStart, JoinError>,
        now: Instant,
        output: &mut impl RoomOutput,
    ) {
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.generation == read.generation)
        else {
            return;
        };
        match start {
            Ok(RoomStart { head, elsewhere }) => {
                state.begin(head);
                if state.elsewhere.version == 0 {
                    // Nobody is told of those who were there before: who comes asks for `presence`.
                    state.elsewhere.replace(&elsewhere);
                } else {
                    // What was read may be older than what was told meanwhile.
                    state.read_elsewhere(&read.room, output);
                }
                self.repair_room(&read.room, now, output);
            }
            Err(error) => {
                // Every member is still waiting for its join to be answered: all joins fail, and the next one
                // starts the room again.
                state.refuse(error);
                if has_presence(&read.room) {
                    for user in state.users_here() {
                        output.presence(&read.room, user, false);
                    }
                }
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
        if std::mem::take(&mut state.stale_elsewhere) {
            state.read_elsewhere(room, output);
        }
        if state.needs_repair(now) {
            self.needs_repair.insert(room.clone());
        }
    }

    /// The users in a room, each once.
    pub(super) fn users_in(&self, room: &Room) -> Vec<UserId> {
        self.rooms.get(room).map(|state| state.users()).unwrap_or_default()
    }

    /// The rooms that are asked for.
    pub(super) fn list(&self, query: &RoomQuery, now: Instant) -> RoomList {
        let mut list = RoomList::default();
        for (room, state) in &self.rooms {
            let snapshot = state.snapshot(room, now);
            if (query.is_listed)(room) {
                let is_later = query.after.as_ref().is_none_or(|after| *after < query.order.place(&snapshot));
                list.rooms.extend(is_later.then_some(snapshot));
            } else {
                let unlisted = list.unlisted.entry(room.kind()).or_default();
                unlisted.rooms += 1;
                unlisted.members += snapshot.members;
            }
        }
        list.rooms.sort_by_cached_key(|room| query.order.place(room));
        list.rooms.truncate(query.at_most);
        list
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        for state in self.rooms.values() {
            state.check_invariants();
        }
        self.history.check_invariants();
        assert!(
            self.needs_repair.iter().all(|room| self.rooms.contains_key(room)),
            "only rooms have troubles"
        );
    }
}
