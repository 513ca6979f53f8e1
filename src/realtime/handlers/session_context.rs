//! What the handlers of commands have of the session that sent them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::db::{Db, UnitOfWork};
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::hub::{Credentials, Delivery, FrameSeen, LocalHub, Outbox, Pushed, RegistrationHandle, Viewing};
use crate::ids::{ConnectionId, Room, Seq};
use crate::protocol::{AckBody, Correlation, Dialect, Direction, ErrorCode, Notice, encode};
use crate::realtime::connection::ConnectionHandle;
use crate::realtime::limits::SessionLimits;
use crate::realtime::target::EndpointTarget;
use crate::realtime::{Gateway, rooms};

use super::Refusal;

/// A session as its handlers use it: who calls, on which connection, and what answers go through.
#[derive(Clone)]
pub(crate) struct SessionContext {
    /// The authenticated scope, with the id of this call.
    pub(crate) scope: Scope,
    /// The state shared by all live connections.
    pub(crate) gateway: Gateway,
    /// The LocalHub of this thread.
    pub(crate) hub: LocalHub,
    /// The session's registration with the hub.
    pub(crate) registration: Rc<RegistrationHandle>,
    /// The queue of frames to the client.
    pub(crate) outbox: Outbox,
    /// The dialect of the connection.
    pub(crate) dialect: Dialect,
    /// Closes the connection.
    pub(crate) handle: Rc<dyn ConnectionHandle>,
    /// The client's network address.
    pub(crate) address: IpAddr,
    /// What the connection was opened for.
    pub(crate) target: EndpointTarget,
    /// The rooms of the entries and conversations whose texts this connection follows; removing one ends that.
    pub(crate) followed: Rc<RefCell<BTreeMap<Room, oneshot::Sender<()>>>>,
    /// The rooms that this connection has joined, and the position after which each went live.
    pub(crate) subscriptions: Rc<RefCell<HashMap<Room, Seq>>>,
    /// When the message was received that is being answered.
    pub(crate) asked_at: Option<Instant>,
}

impl SessionContext {
    /// The connection's id.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.registration.connection()
    }

    /// The database.
    pub(crate) fn db(&self) -> &Db {
        &self.gateway.app().db
    }

    /// Sends a notice to the client, in order after all earlier ones.
    pub(crate) fn send(&self, notice: &Notice) -> Pushed {
        self.gateway.metrics().sent(notice);
        let frame = encode(self.dialect, notice);
        let latency = match notice {
            Notice::Ack { .. } | Notice::Error { .. } | Notice::Conflict { .. } | Notice::Pong { .. } => {
                self.asked_at.map(|asked_at| asked_at.elapsed())
            }
            _ => None,
        };
        if let (Notice::Ack { .. }, Some(latency)) = (notice, latency) {
            self.gateway.metrics().acknowledged(latency);
        }
        self.registration.record(|| {
            let (room, seq) = notice.place();
            FrameSeen {
                at: Instant::now(),
                direction: Direction::Out,
                kind: notice.name(),
                room: room.cloned(),
                seq,
                bytes: frame.len(),
                latency,
            }
        });
        self.outbox.push(frame, Delivery::Durable)
    }

    /// Acknowledges a request.
    pub(crate) fn ack(&self, id: Option<&Correlation>, body: AckBody) {
        let _ = self.send(&Notice::Ack { id: id.cloned(), body });
    }

    /// The position after which the room went live for this connection; `None` if it has not joined the room.
    pub(crate) fn live_after(&self, room: &Room) -> Option<Seq> {
        let is_member = self.hub.is_member(self.connection(), room);
        self.subscriptions.borrow().get(room).copied().filter(|_| is_member)
    }

    /// Records that the connection gets the room's events live after this position.
    pub(crate) fn went_live(&self, room: Room, after: Seq) {
        self.subscriptions.borrow_mut().insert(room, after);
    }

    /// Records that the connection has left the room.
    pub(crate) fn forget(&self, room: &Room) {
        self.subscriptions.borrow_mut().remove(room);
    }

    /// Refuses the rooms of administration to addresses that it is not open to, as HTTP refuses `/admin`.
    fn check_address(&self, room: &Room) -> Result<(), Refusal> {
        if !matches!(room, Room::Admin | Room::Metrics | Room::Recorder(_)) {
            return Ok(());
        }
        let checked = self.gateway.check_admin_address(self.address);
        checked.map_err(|why| Refusal::new(ErrorCode::Forbidden, why))
    }

    /// Reads something about a room, if the caller may be in the room.
    pub(crate) async fn in_room<T: Send + 'static>(
        &self,
        room: Room,
        look: impl FnOnce(&mut UnitOfWork<'_>, &Room) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.check_address(&room)?;
        let scope = self.scope.clone();
        let found = self.db().read(move |uow| {
            rooms::authorize(uow, &scope, &room)?;
            look(uow, &room)
        });
        Ok(found.await?)
    }

    /// The same within a command that has checked already. An admin is not checked again, because an admin's
    /// standing ends only with the session, and each check of an admin writes an audit row: one command must
    /// leave one.
    pub(crate) async fn in_room_still<T: Send + 'static>(
        &self,
        room: Room,
        look: impl FnOnce(&mut UnitOfWork<'_>, &Room) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let scope = self.scope.clone();
        let found = self.db().read(move |uow| {
            if !scope.is_admin() {
                rooms::authorize(uow, &scope, &room)?;
            }
            look(uow, &room)
        });
        found.await
    }
}

/// The rights that a session of this scope depends on.
pub(crate) fn credentials(scope: &Scope, limits: &SessionLimits) -> Credentials {
    Credentials {
        user: scope.user(),
        login: scope.login(),
        issuer: scope.issuer().cloned(),
        token: scope.token().clone(),
        epoch: scope.token_epoch(),
        viewer: scope.viewer().map(|viewer| Viewing {
            user: viewer.user,
            login: viewer.login,
            issuer: viewer.issuer.clone(),
            token: viewer.token.clone(),
            epoch: viewer.token_epoch,
        }),
        rooms: limits.plan.rooms,
    }
}
