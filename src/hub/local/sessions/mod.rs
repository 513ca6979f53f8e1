//! The sessions of one worker thread and their memberships: a plain struct behind the LocalHub.
//!
//! It owns the memberships; the RoomHub mirrors them from what it is asked and what is reported to it. Side
//! effects (asking sessions to end, reporting to the RoomHub) are returned as [`Effects`], to be carried out
//! when nothing is borrowed.

mod leaving;
mod ticking;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::domain::Page;
use crate::events::Envelope;
use crate::hub::ended::{self, Left};
use crate::hub::message::{
    Contents, Departure, Exclude, MembershipId, MembershipRef, RoomMessage, event_notice,
};
use crate::hub::outbox::Backlog;
use crate::hub::{
    Credentials, EndedSession, HubConfig, JoinError, LiveSession, Pushed, Recorder, Registration,
    SessionFilter,
};
use crate::ids::{ConnectionId, Room, Seq, UserId};
use crate::protocol::close::CloseReason;
use crate::protocol::{Dialect, encode};

use super::effects::{Delivered, Effects};
use super::frames;
use super::index::Index;
use super::liveness::{Activity, Liveness};
use super::membership::{DeliveryResult, Membership, Spliced};
use super::timer_wheel::TimerWheel;

pub(super) struct Sessions {
    config: HubConfig,
    recorder: Recorder,
    now: Instant,
    timers: TimerWheel,
    /// What waits in the sessions' outboxes.
    backlog: Rc<Backlog>,
    /// Whether a session drained nothing at the last tick, although much waited for it.
    is_any_stalled: bool,
    /// Ordered by id, which is the order in which they connected. Boxed, because the nodes of a map that only grows at
    /// its end are half empty.
    sessions: BTreeMap<ConnectionId, Box<Session>>,
    /// Each room's members on this thread, with everything that a delivery needs.
    rooms: HashMap<Room, HashMap<ConnectionId, Membership>>,
    index: Index,
    registered: u64,
    memberships: u64,
}

struct Session {
    registration: Registration,
    rooms: HashSet<Room>,
    liveness: Liveness,
    /// Once it is being evicted.
    left: Option<Left>,
}

impl Session {
    /// Whether the connection was opened for this room.
    fn is_bound_to(&self, room: &Room) -> bool {
        self.registration.bound_room.as_ref() == Some(room)
    }
}

/// The joining connection, as the RoomHub needs to know it.
pub(super) struct Joiner {
    pub(super) user: UserId,
    /// Whose connection it is.
    pub(super) holder: UserId,
    pub(super) dialect: Dialect,
    pub(super) membership: MembershipId,
    /// Whether it was not a member of the room before.
    pub(super) is_new: bool,
}

impl Sessions {
    pub(super) fn new(config: HubConfig, recorder: Recorder, now: Instant) -> Self {
        Self {
            config,
            recorder,
            now,
            timers: TimerWheel::new(now),
            backlog: Rc::default(),
            is_any_stalled: false,
            sessions: BTreeMap::new(),
            rooms: HashMap::new(),
            index: Index::default(),
            registered: 0,
            memberships: 0,
        }
    }

    /// The time of the last tick, which is the time that [`Activity`] records.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn register(&mut self, registration: Registration) -> Rc<Activity> {
        let connection = registration.connection;
        self.registered += 1;
        let ping_at = self.timers.spread(self.registered, self.config.heartbeat_interval, self.now);
        let mut liveness = Liveness::new(self.now, ping_at);
        liveness.due = self.timers.insert(connection, liveness.due_at(&self.config), self.now);
        let activity = liveness.activity();
        self.index.insert(&registration);
        registration.outbox.count_in(&self.backlog);
        let session = Session { registration, rooms: HashSet::new(), liveness, left: None };
        self.sessions.insert(connection, Box::new(session));
        activity
    }

    /// Removes the session, its memberships and its index entries.
    pub(super) fn unregister(&mut self, connection: ConnectionId, effects: &mut Effects) {
        self.withdraw(connection, effects);
        self.sessions.remove(&connection);
    }

    /// What is kept of a session that has ended.
    pub(super) fn ended(
        &self,
        connection: ConnectionId,
        reason: Option<CloseReason>,
        at: Timestamp,
    ) -> Option<EndedSession> {
        let session = self.sessions.get(&connection)?;
        let Registration { credentials, endpoint, address, since, dialect, .. } = &session.registration;
        Some(EndedSession {
            connection,
            user: credentials.holder(),
            login: credentials.held_by(),
            endpoint: *endpoint,
            dialect: *dialect,
            address: *address,
            since: *since,
            ended_at: at,
            reason,
            messages: session.liveness.messages(),
            left: session.left.clone().unwrap_or_else(|| self.leaves(connection, session)),
        })
    }

    fn leaves(&self, connection: ConnectionId, session: &Session) -> Left {
        let last = |room: &Room| {
            let position = self.rooms.get(room)?.get(&connection)?.last()?;
            Some((room.clone(), position))
        };
        let mut positions: Vec<_> = session.rooms.iter().filter_map(last).collect();
        positions.sort_unstable();
        positions.truncate(ended::ROOMS);
        Left { waiting: session.registration.outbox.unsent(), positions, rooms: session.rooms.len() }
    }

    pub(super) fn renew(&mut self, connection: ConnectionId, credentials: Credentials) {
        let Some(session) =
            self.sessions.get_mut(&connection).filter(|session| !session.liveness.is_leaving())
        else {
            return;
        };
        self.index.remove(&session.registration);
        session.registration.credentials = credentials;
        self.index.insert(&session.registration);
    }

    pub(super) fn begin_join(&mut self, connection: ConnectionId, room: &Room) -> Result<Joiner, JoinError> {
        let session = self.sessions.get_mut(&connection).ok_or(JoinError::Gone)?;
        if session.liveness.is_leaving() {
            return Err(JoinError::Gone);
        }
        let at_most = session.registration.credentials.rooms;
        if session.rooms.len() >= at_most && !session.rooms.contains(room) {
            return Err(JoinError::TooManyRooms);
        }
        session.rooms.insert(room.clone());
        self.memberships += 1;
        let id = MembershipId(self.memberships);
        let Registration { credentials, dialect, outbox, .. } = &session.registration;
        let (user, holder, dialect) = (credentials.user, credentials.holder(), *dialect);
        let members = self.rooms.entry(room.clone()).or_default();
        let former = members.get(&connection);
        let (is_new, sent) = (former.is_none(), former.and_then(Membership::last));
        let outbox = outbox.clone();
        let membership = Membership::joining(id, user, dialect, outbox, self.config.join_buffer).after(sent);
        members.insert(connection, membership);
        Ok(Joiner { user, holder, dialect, membership: id, is_new })
    }

    pub(super) fn splice(
        &mut self,
        membership: &MembershipRef,
        up_to: Seq,
        effects: &mut Effects,
    ) -> Spliced {
        let member =
            self.rooms.get_mut(&membership.room).and_then(|members| members.get_mut(&membership.connection));
        let Some(member) = member.filter(|member| member.id == membership.membership) else {
            return Spliced::Gone;
        };
        if let Some(reason) = member.revoked_after(up_to) {
            self.end_standing(membership.connection, &membership.room, reason, effects);
            return Spliced::Gone;
        }
        member.splice(up_to, |seq, frame| {
            let seen = || frames::event(&membership.room, seq, frame.len());
            self.recorder.record(membership.connection, seen);
        })
    }

    /// Ends this membership, unless the connection has begun a newer one in the room.
    pub(super) fn end_membership(&mut self, membership: &MembershipRef, effects: &mut Effects) {
        let member = self.rooms.get(&membership.room).and_then(|members| members.get(&membership.connection));
        if member.is_some_and(|member| member.id == membership.membership) {
            self.leave(membership.connection, &membership.room, effects);
        }
    }

    /// Ends the connection's membership in the room; returns whether there was one.
    pub(super) fn leave(&mut self, connection: ConnectionId, room: &Room, effects: &mut Effects) -> bool {
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.rooms.remove(room);
        }
        let Some(members) = self.rooms.get_mut(room) else { return false };
        let Some(member) = members.remove(&connection) else { return false };
        if members.is_empty() {
            self.rooms.remove(room);
        }
        let membership = MembershipRef { connection, room: room.clone(), membership: member.id };
        effects.departures.push(Departure { membership, last: member.last() });
        true
    }

    pub(super) fn is_member(&self, connection: ConnectionId, room: &Room) -> bool {
        self.rooms.get(room).and_then(|members| members.get(&connection)).is_some_and(Membership::is_live)
    }

    #[cfg(test)]
    pub(super) fn rooms_of(&self, connection: ConnectionId) -> Vec<Room> {
        let mut rooms: Vec<Room> =
            self.sessions.get(&connection).into_iter().flat_map(|session| &session.rooms).cloned().collect();
        rooms.sort_unstable();
        rooms
    }

    /// The newest sessions before the page's position, one more than the page holds.
    pub(super) fn list(&self, filter: SessionFilter, page: &Page<ConnectionId>) -> Vec<LiveSession> {
        let named = match filter {
            SessionFilter::All => None,
            SessionFilter::User(user) => Some(self.index.of_user(user)),
            SessionFilter::Connection(connection) => Some(BTreeSet::from([connection])),
            SessionFilter::Address(address) => Some(self.index.of_address(address)),
        };
        let is_listed = |connection: &ConnectionId| page.before.is_none_or(|before| *connection < before);
        let at_most = usize::from(page.limit) + 1;
        match named {
            Some(named) => {
                let sessions = named.iter().rev().filter(|connection| is_listed(connection));
                sessions.filter_map(|connection| self.seen_from_outside(*connection)).take(at_most).collect()
            }
            None => {
                let sessions = match page.before {
                    Some(before) => self.sessions.range(..before),
                    None => self.sessions.range(..),
                };
                let sessions =
                    sessions.rev().filter_map(|(connection, _)| self.seen_from_outside(*connection));
                sessions.take(at_most).collect()
            }
        }
    }

    /// A snapshot of a session; `None` if it is being evicted.
    fn seen_from_outside(&self, connection: ConnectionId) -> Option<LiveSession> {
        let session = self.sessions.get(&connection).filter(|session| !session.liveness.is_leaving())?;
        let Registration { credentials, endpoint, address, since, dialect, outbox, .. } =
            &session.registration;
        Some(LiveSession {
            connection,
            user: credentials.holder(),
            login: credentials.held_by(),
            issuer: credentials.issuer.clone(),
            endpoint: *endpoint,
            address: *address,
            since: *since,
            silent_for: session.liveness.silent_for(self.now),
            messages: session.liveness.messages(),
            rooms: session.rooms.len(),
            dialect: *dialect,
            waiting: outbox.progress().waiting,
        })
    }

    /// Pushes an event into the outbox of the member that caused it, if it is the next one for that member.
    pub(super) fn deliver_own(
        &mut self,
        connection: ConnectionId,
        event: Envelope,
        effects: &mut Effects,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        let members = self.rooms.get_mut(&event.room);
        let member = members.and_then(|members| members.get_mut(&connection));
        let Some(member) = member.filter(|member| member.expects(event.seq)) else { return delivered };
        let (room, seq) = (event.room.clone(), event.seq);
        let frame = encode(member.dialect, &event_notice(event));
        match member.take(seq, &frame) {
            DeliveryResult::Pushed(Pushed::Overflow) => {
                self.evict(connection, CloseReason::SlowConsumer, effects);
            }
            result => {
                self.recorder.record(connection, || frames::event(&room, seq, frame.len()));
                delivered.count(result);
            }
        }
        delivered
    }

    /// Pushes a notice into the outboxes of the room's members on this thread.
    pub(super) fn deliver(&mut self, message: &RoomMessage, effects: &mut Effects) -> Delivered {
        let mut delivered = Delivered::default();
        let mut broken = Vec::new();
        // What a recording itself sends is not recorded, or it would have no end.
        let is_recorded = self.recorder.is_on() && !matches!(message.room, Room::Recorder(_));
        for (connection, member) in self.rooms.get_mut(&message.room).into_iter().flatten() {
            // The frame is missing if the member joined after the RoomHub encoded the message; such a member
            // reads the event from the log.
            let Some(frame) = message.encoded.of(member.dialect) else { continue };
            let result = match &message.contents {
                Contents::Event(seq) => member.take(*seq, frame),
                Contents::Ephemeral { exclude, .. } if is_excluded(*exclude, *connection, member.user) => {
                    continue;
                }
                Contents::Ephemeral { exclude: Exclude::Unbound(_), .. }
                    if !self
                        .sessions
                        .get(connection)
                        .is_some_and(|session| session.is_bound_to(&message.room)) =>
                {
                    continue;
                }
                Contents::Ephemeral { delivery, .. } if member.is_live() => {
                    DeliveryResult::Pushed(member.outbox.push(frame.clone(), delivery.clone()))
                }
                Contents::Ephemeral { .. } => continue,
            };
            if is_recorded && matches!(result, DeliveryResult::Pushed(Pushed::Queued | Pushed::Replaced)) {
                self.recorder.record(*connection, || frames::of_room(message, frame.len()));
            }
            match result {
                DeliveryResult::Pushed(Pushed::Overflow) => {
                    broken.push((*connection, CloseReason::SlowConsumer))
                }
                DeliveryResult::Gap => broken.push((*connection, CloseReason::Internal)),
                other => delivered.count(other),
            }
        }
        for (connection, reason) in broken {
            self.evict(connection, reason, effects);
        }
        delivered
    }

    /// Up to `at_most` sessions that are not being evicted yet.
    pub(super) fn active_connections(&self, at_most: usize) -> Vec<ConnectionId> {
        let active = self.sessions.iter().filter(|(_, session)| !session.liveness.is_leaving());
        active.map(|(connection, _)| *connection).take(at_most).collect()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        for (room, members) in &self.rooms {
            assert!(!members.is_empty(), "an empty room is forgotten");
            for connection in members.keys() {
                assert!(self.sessions[connection].rooms.contains(room), "a member knows its rooms");
            }
        }
        for (connection, session) in &self.sessions {
            for room in &session.rooms {
                assert!(self.rooms[room].contains_key(connection), "a room knows its members");
            }
            assert!(session.rooms.is_empty() || !session.liveness.is_leaving(), "who leaves is in no room");
        }
        if self.sessions.is_empty() {
            assert!(self.index.is_empty() && self.rooms.is_empty(), "nothing is left of those who left");
        }
    }
}

fn is_excluded(exclude: Exclude, connection: ConnectionId, user: UserId) -> bool {
    match exclude {
        Exclude::Connection(who) | Exclude::Unbound(who) => who == connection,
        Exclude::User(who) => who == user,
        Exclude::Nobody => false,
    }
}
