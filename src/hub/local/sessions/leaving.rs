//! Why sessions leave rooms, or the server, without having asked for it.

use crate::events::{Revocation, RevocationReason};
use crate::hub::drain::Pace;
use crate::hub::local::effects::Effects;
use crate::hub::local::membership::Revoked;
use crate::hub::local::{frames, notices};
use crate::hub::message::EncodedNotice;
use crate::hub::{Closing, Delivery};
use crate::ids::{ConnectionId, Room, Seq};
use crate::protocol::Notice;
use crate::protocol::close::CloseReason;

use super::{Session, Sessions};

impl Sessions {
    /// Ends the sessions and memberships that depend on a right that ended.
    pub(in crate::hub::local) fn end(&mut self, revocation: &Revocation, effects: &mut Effects) {
        for connection in self.index.affected(revocation) {
            let session = self.sessions.get(&connection);
            if session.is_some_and(|session| session.registration.credentials.are_newer_than(revocation)) {
                continue;
            }
            match revocation {
                Revocation::Membership { room, seq, reason, .. } => {
                    if self.must_leave(connection, room, *seq, *reason) {
                        self.end_standing(connection, room, *reason, effects);
                    }
                }
                Revocation::Token { reason, .. }
                | Revocation::Login { reason, .. }
                | Revocation::OtherLogins { reason, .. }
                | Revocation::Connection { reason, .. }
                | Revocation::User { reason, .. } => {
                    self.evict(connection, notices::close_reason(*reason), effects);
                }
            }
        }
    }

    /// Whether the connection must leave the room, if it is in it, now that its user's standing has ended.
    fn must_leave(
        &mut self,
        connection: ConnectionId,
        room: &Room,
        seq: Option<Seq>,
        reason: RevocationReason,
    ) -> bool {
        let Some(at) = seq else { return true };
        let member = self.rooms.get_mut(room).and_then(|members| members.get_mut(&connection));
        member.is_none_or(|member| member.revoke(Revoked { at, reason }))
    }

    /// Takes the connection out of the room and tells it why; a connection for this room alone ends.
    pub(super) fn end_standing(
        &mut self,
        connection: ConnectionId,
        room: &Room,
        reason: RevocationReason,
        effects: &mut Effects,
    ) {
        let user = self.sessions.get(&connection).map(|session| session.registration.credentials.user);
        if self.leave(connection, room, effects)
            && let Some(user) = user
        {
            self.notify(connection, &notices::left(room, user, reason));
        }
        if self.is_bound_to(connection, room) {
            self.evict(connection, notices::close_reason(reason), effects);
        }
    }

    fn is_bound_to(&self, connection: ConnectionId, room: &Room) -> bool {
        self.sessions.get(&connection).is_some_and(|session| session.is_bound_to(room))
    }

    /// Pushes notices of the hub itself to one session. They overflow only an outbox whose session is evicted
    /// anyway at the next tick.
    fn notify(&self, connection: ConnectionId, notices: &[Notice]) {
        let Some(session) = self.sessions.get(&connection) else { return };
        let registration = &session.registration;
        for notice in notices {
            let encoded = EncodedNotice::encode(notice, |used| used == registration.dialect);
            if let Some(frame) = encoded.of(registration.dialect) {
                self.recorder.record(connection, || frames::own(notice, frame.len()));
                let _ = registration.outbox.push(frame.clone(), Delivery::Durable);
            }
        }
    }

    /// Takes the session out of all rooms now, sends it the reason and when to reconnect, and asks it to close at
    /// once. Returns whether the session existed and was not being evicted already.
    pub(in crate::hub::local) fn evict(
        &mut self,
        connection: ConnectionId,
        reason: CloseReason,
        effects: &mut Effects,
    ) -> bool {
        self.make_leave(connection, reason, reason.reconnect().in_ms(), Closing::AtOnce, effects)
    }

    /// As [`Self::evict`], because the server stops: it says when, and lets a command finish if `pace` does.
    pub(in crate::hub::local) fn send_away(
        &mut self,
        connection: ConnectionId,
        pace: &mut Pace,
        effects: &mut Effects,
    ) {
        let reconnect_in_ms = u64::try_from(pace.reconnect_in().as_millis()).ok();
        self.make_leave(connection, CloseReason::Restarting, reconnect_in_ms, pace.closing(), effects);
    }

    fn make_leave(
        &mut self,
        connection: ConnectionId,
        reason: CloseReason,
        reconnect_in_ms: Option<u64>,
        closing: Closing,
        effects: &mut Effects,
    ) -> bool {
        if !self.withdraw(connection, effects) {
            return false;
        }
        let Some(session) = self.sessions.get_mut(&connection) else { return false };
        let Session { registration, liveness, .. } = &mut **session;
        liveness.leave(self.now);
        if reason == CloseReason::SlowConsumer {
            registration.outbox.clear();
        }
        let notice =
            Notice::Disconnecting { reason: reason.name(), message: reason.socket_io(), reconnect_in_ms };
        effects.evictions.push((registration.evict.clone(), reason, closing));
        self.set_timer(connection);
        self.notify(connection, &[notice]);
        true
    }

    /// Takes the session out of its rooms and the index; returns whether it existed and was not being evicted
    /// already.
    pub(super) fn withdraw(&mut self, connection: ConnectionId, effects: &mut Effects) -> bool {
        let left = self.sessions.get(&connection).map(|session| self.leaves(connection, session));
        let Some(session) =
            self.sessions.get_mut(&connection).filter(|session| !session.liveness.is_leaving())
        else {
            return false;
        };
        session.left = left;
        self.index.remove(&session.registration);
        for room in std::mem::take(&mut session.rooms) {
            self.leave(connection, &room, effects);
        }
        true
    }
}
