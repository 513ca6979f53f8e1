//! Every room that has members: who they are, which event is next, and which worker threads must hear it.
//!
//! A plain struct behind the RoomHub. It mirrors the memberships that the LocalHubs own, and is forgetful by design: a
//! room without members keeps no state, since the log knows where to go on.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::local::JoinError;
use super::super::parcel::{Departure, Except, MembershipId, Parcel, WorkerId};
use super::super::{Delivery, LatestKey};
use super::state::{Phase, RoomState};
use crate::events::Envelope;
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::realtime::protocol::{Dialect, Notice, PresenceChange};

/// Events that one read of the log fetches.
pub(super) const PAGE: usize = 500;

/// A connection asks to hear a room.
pub(in super::super) struct Join {
    pub(in super::super) room: Room,
    pub(in super::super) connection: ConnectionId,
    pub(in super::super) user: UserId,
    pub(in super::super) dialect: Dialect,
    pub(in super::super) worker: WorkerId,
    pub(in super::super) membership: MembershipId,
    /// Answered with the room's head once live events are sure to reach the member.
    pub(in super::super) reply: oneshot::Sender<Result<Seq, JoinError>>,
}

/// Something to be read from the log for a room; the answer comes back through [`Rooms::head_read`] or
/// [`Rooms::events_read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) room: Room,
    /// Which life of the room asks: an answer to a former one is stale.
    pub(super) life: u64,
    pub(super) what: ReadWhat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadWhat {
    Head,
    After(Seq),
}

/// The worker's mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// Where parcels and reads go.
pub(super) trait Outlet {
    fn deliver(&mut self, worker: WorkerId, parcel: Parcel) -> Result<(), Refused>;
    fn read(&mut self, read: Read);
}

pub(super) struct Rooms {
    rooms: HashMap<Room, RoomState>,
    /// Rooms that a later look must help: a gap that may not close by itself, a worker that refused, a read that failed.
    troubled: BTreeSet<Room>,
    lives: u64,
    gap_timeout: Duration,
}

/// A room as the admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// The room.
    pub room: Room,
    /// Connections in it.
    pub members: usize,
    /// Users in it.
    pub users: usize,
    /// Position of the last event that its members got; `None` while it is being looked up.
    pub head: Option<Seq>,
}

impl Rooms {
    pub(super) fn new(gap_timeout: Duration) -> Self {
        Self { rooms: HashMap::new(), troubled: BTreeSet::new(), lives: 0, gap_timeout }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn join(&mut self, join: Join, outlet: &mut impl Outlet) {
        let Join { room, connection, user, reply, .. } = join;
        let state = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.lives += 1;
            outlet.read(Read { room: room.clone(), life: self.lives, what: ReadWhat::Head });
            RoomState::new(self.lives)
        });
        let is_first = state.add(connection, user, join.dialect, join.worker, join.membership);
        match &mut state.phase {
            Phase::Starting { waiting, .. } => waiting.push(reply),
            // A caller that stopped waiting has left, or is about to.
            Phase::Running(order) => drop(reply.send(Ok(order.head()))),
        }
        if is_first {
            self.tell_presence(&room, user, PresenceChange::Joined(user), outlet);
        }
    }

    pub(super) fn depart(&mut self, departure: &Departure, outlet: &mut impl Outlet) {
        let Some(state) = self.rooms.get_mut(&departure.room) else { return };
        let Some(last_of) = state.remove(departure.connection, departure.membership) else { return };
        if state.is_empty() {
            self.rooms.remove(&departure.room);
            self.troubled.remove(&departure.room);
        } else if let Some(user) = last_of {
            self.tell_presence(&departure.room, user, PresenceChange::Left(user), outlet);
        }
    }

    fn tell_presence(&mut self, room: &Room, user: UserId, change: PresenceChange, outlet: &mut impl Outlet) {
        if tells_presence(room) {
            let notice = Notice::Presence { room: room.clone(), change };
            let delivery = Delivery::Latest(LatestKey::presence(room.clone(), user));
            self.say(room, &notice, &delivery, Except::User(user), outlet);
        }
    }

    /// Tells the members something that is not stored; says how many workers could not take it.
    pub(super) fn say(
        &mut self,
        room: &Room,
        notice: &Notice,
        delivery: &Delivery,
        except: Except,
        outlet: &mut impl Outlet,
    ) -> usize {
        self.rooms.get(room).map_or(0, |state| state.pass_on(room, notice, delivery, except, outlet))
    }

    /// Takes in an event that was committed, and whatever it lets through.
    pub(super) fn offer(&mut self, event: Envelope, now: Instant, outlet: &mut impl Outlet) {
        let Some(state) = self.rooms.get_mut(&event.room) else { return };
        let room = event.room.clone();
        match &mut state.phase {
            Phase::Starting { missed, .. } => *missed = true,
            Phase::Running(order) => order.offer(event, now),
        }
        if state.let_through(now, outlet) {
            self.troubled.insert(room);
        }
    }

    /// The log was asked where a room stands.
    pub(super) fn head_read(
        &mut self,
        read: &Read,
        head: Result<Seq, JoinError>,
        now: Instant,
        outlet: &mut impl Outlet,
    ) {
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.life == read.life) else {
            return;
        };
        match head {
            Ok(head) => {
                state.begin(head);
                self.look(&read.room, now, outlet);
            }
            Err(error) => {
                // Everyone in it still waits to be let in: they are told, and the next one to come tries again.
                state.refuse(error);
                self.rooms.remove(&read.room);
                self.troubled.remove(&read.room);
            }
        }
    }

    /// The log was asked for what follows a position. `None`: it could not be read.
    pub(super) fn events_read(
        &mut self,
        read: &Read,
        events: Option<Vec<Envelope>>,
        now: Instant,
        outlet: &mut impl Outlet,
    ) {
        let ReadWhat::After(since) = read.what else { return };
        let Some(state) = self.rooms.get_mut(&read.room).filter(|state| state.life == read.life) else {
            return;
        };
        state.reading = false;
        match events {
            Some(events) => {
                state.owed |= events.len() >= PAGE;
                if state.catch_up(since, events, now, outlet) {
                    self.troubled.insert(read.room.clone());
                }
                if state.owed {
                    state.read(&read.room, outlet);
                }
            }
            None => {
                state.owed = true;
                self.troubled.insert(read.room.clone());
            }
        }
    }

    /// Reports were lost: every room asks the log.
    pub(super) fn catch_up_all(&mut self, outlet: &mut impl Outlet) {
        for (room, state) in &mut self.rooms {
            state.owed = true;
            state.read(room, outlet);
        }
    }

    /// Helps the rooms that need it; says whether another look is due.
    pub(super) fn look_after_troubled(&mut self, now: Instant, outlet: &mut impl Outlet) -> bool {
        for room in std::mem::take(&mut self.troubled) {
            self.look(&room, now, outlet);
        }
        self.is_troubled()
    }

    pub(super) fn is_troubled(&self) -> bool {
        !self.troubled.is_empty()
    }

    fn look(&mut self, room: &Room, now: Instant, outlet: &mut impl Outlet) {
        let Some(state) = self.rooms.get_mut(room) else { return };
        if state.owed || state.is_behind() || state.gap_is_overdue(now, self.gap_timeout) {
            state.read(room, outlet);
        }
        if state.is_troubled(now) {
            self.troubled.insert(room.clone());
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
        assert!(self.troubled.iter().all(|room| self.rooms.contains_key(room)), "only rooms have troubles");
    }
}

/// Whether members of a room learn who comes and goes. In a market, competitors would; in the admins' room and a user's
/// own it means nothing.
fn tells_presence(room: &Room) -> bool {
    match room {
        Room::Session(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::Conversation(_)
        | Room::LoadTest(_) => true,
        Room::User(_) | Room::Market(_) | Room::Entry(_) | Room::Simulation(_) | Room::Admin => false,
    }
}
