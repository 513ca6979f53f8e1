//! Who gave a command, and what it takes to carry it out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::db::{Db, UnitOfWork};
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::hub::{Credentials, Delivery, LocalHub, Outbox, Pushed, RegistrationHandle};
use crate::ids::{ConnectionId, Room, Seq};
use crate::protocol::{AckBody, Correlation, Dialect, Notice, encode};
use crate::realtime::connection::ConnectionHandle;
use crate::realtime::limits::SessionLimits;
use crate::realtime::{Gateway, rooms};

use super::Refusal;

/// The session that gave a command, for as long as that is carried out.
#[derive(Clone)]
pub struct Caller {
    /// By what right, in this call.
    pub scope: Scope,
    /// Where live connections come in.
    pub gateway: Gateway,
    /// This thread's hub.
    pub hub: LocalHub,
    /// The session's registration there.
    pub registration: Rc<RegistrationHandle>,
    /// What is said to the client.
    pub outbox: Outbox,
    /// How.
    pub dialect: Dialect,
    /// The connection itself.
    pub handle: Rc<dyn ConnectionHandle>,
    /// The rooms that this connection has joined, and after which position each went live.
    pub subscriptions: Rc<RefCell<BTreeMap<Room, Seq>>>,
}

impl Caller {
    /// The connection's name.
    pub fn connection(&self) -> ConnectionId {
        self.registration.connection()
    }

    /// Where everything is kept.
    pub fn db(&self) -> &Db {
        &self.gateway.app().db
    }

    /// Says something to the client, in order after all that was said before.
    pub fn send(&self, notice: &Notice) -> Pushed {
        self.gateway.metrics().said(notice);
        self.outbox.push(encode(self.dialect, notice), Delivery::Durable)
    }

    /// Answers a request.
    pub fn ack(&self, id: Option<&Correlation>, body: AckBody) {
        let _ = self.send(&Notice::Ack { id: id.cloned(), body });
    }

    /// Where the room went live for this connection, if it hears the room.
    pub fn live_after(&self, room: &Room) -> Option<Seq> {
        let is_member = self.hub.is_member(self.connection(), room);
        self.subscriptions.borrow().get(room).copied().filter(|_| is_member)
    }

    /// From here on the connection hears the room live.
    pub fn went_live(&self, room: Room, after: Seq) {
        self.subscriptions.borrow_mut().insert(room, after);
    }

    /// The connection does not hear the room any more.
    pub fn forget(&self, room: &Room) {
        self.subscriptions.borrow_mut().remove(room);
    }

    /// Looks something up in a room that the caller may hear.
    pub async fn in_room<T: Send + 'static>(
        &self,
        room: Room,
        look: impl FnOnce(&mut UnitOfWork<'_>, &Room) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let scope = self.scope.clone();
        let found = self.db().read(move |uow| {
            rooms::may_hear(uow, &scope, &room)?;
            look(uow, &room)
        });
        Ok(found.await?)
    }

    /// The same within a command that has looked already. An admin is let in for what they are, which ends with their
    /// session and not before: their passing is one deed and leaves one audit row.
    pub async fn in_room_still<T: Send + 'static>(
        &self,
        room: Room,
        look: impl FnOnce(&mut UnitOfWork<'_>, &Room) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let scope = self.scope.clone();
        let found = self.db().read(move |uow| {
            if !scope.is_admin() {
                rooms::may_hear(uow, &scope, &room)?;
            }
            look(uow, &room)
        });
        found.await
    }
}

/// The rights that a session of this scope hangs on.
pub fn credentials(scope: &Scope, limits: &SessionLimits) -> Credentials {
    Credentials {
        user: scope.user(),
        login: scope.login(),
        issuer: scope.issuer().cloned(),
        token: scope.token().clone(),
        epoch: scope.token_epoch(),
        rooms: limits.plan.rooms,
    }
}
