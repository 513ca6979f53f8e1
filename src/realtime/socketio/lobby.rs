//! The doors of `/socket.io/`: from a token to a session.

use std::net::IpAddr;

use actix_web::HttpRequest;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Doors, Knock, TurnedAway, Welcome};
use crate::domain::users::Role;
use crate::ids::{CallId, ConnectionId};
use crate::realtime::Gateway;
use crate::realtime::admission::{self, Admitted, Applicant};
use crate::realtime::close::{CloseReason, Endpoint};
use crate::realtime::protocol::{Dialect, Namespace, Private};
use crate::realtime::session::{Opening, SessionActor, Unauthenticated};
use crate::realtime::transport::Stranger;
use crate::realtime::transport::handshake::{foreign_origin, offered_token};

/// A connection's doors: whoever shows a good token becomes a session.
pub(in crate::realtime) struct Lobby {
    gateway: Gateway,
    address: IpAddr,
    call: CallId,
    /// What the handshake offered, for clients that show nothing when they connect.
    offered: Option<Private>,
    origin: Option<String>,
    /// The connection counts as a stranger's until somebody is let in.
    stranger: Option<Stranger>,
}

impl Lobby {
    /// Of a connection that this request opens.
    pub(in crate::realtime) fn new(
        gateway: Gateway,
        address: IpAddr,
        call: CallId,
        stranger: Stranger,
        request: &HttpRequest,
    ) -> Self {
        let offered = offered_token(request.uri(), request.headers());
        let origin = foreign_origin(request.headers()).map(str::to_owned);
        Self { gateway, address, call, offered, origin, stranger: Some(stranger) }
    }

    async fn admit(
        &mut self,
        namespace: Namespace,
        auth: Option<&RawValue>,
    ) -> Result<Admitted, CloseReason> {
        let stranger = self.stranger.take().or_else(|| self.gateway.addresses().let_in(self.address));
        let stranger = stranger.ok_or(CloseReason::TooManyConnections)?;
        let token = shown(auth).or_else(|| self.offered.clone());
        let applicant = Applicant { token, ticket: None, origin: self.origin.clone(), call: self.call };
        match admission::admit(&self.gateway, applicant, stranger).await {
            Ok(admitted) if namespace == Namespace::Admin && admitted.scope.role() != Role::Admin => {
                self.stranger = self.gateway.addresses().let_in(self.address);
                Err(CloseReason::NotYours)
            }
            Ok(admitted) => Ok(admitted),
            Err((reason, stranger)) => {
                self.stranger = Some(stranger);
                Err(reason)
            }
        }
    }
}

/// The token that a client shows when it connects to a namespace.
fn shown(auth: Option<&RawValue>) -> Option<Private> {
    #[derive(Deserialize)]
    struct Shown {
        token: Option<String>,
    }
    let shown: Shown = serde_json::from_str(auth?.get()).ok()?;
    shown.token.filter(|token| !token.is_empty()).map(Private)
}

impl Doors for Lobby {
    async fn knock(&mut self, knock: Knock) -> Result<Welcome, TurnedAway> {
        let Knock { namespace, auth, socket } = knock;
        let Some(namespace) = Namespace::named(&namespace) else {
            return Err(TurnedAway::Refused { message: "Invalid namespace".into(), code: None });
        };
        let admitted = self.admit(namespace, auth.as_deref()).await.map_err(|reason| {
            self.gateway.metrics().refused(reason);
            log::info!(
                target: "souk::realtime", request_id:% = self.call, address:% = self.address;
                "a socket was refused: {}", reason.name()
            );
            match reason {
                CloseReason::Restarting | CloseReason::Internal => TurnedAway::Later(reason),
                reason => {
                    TurnedAway::Refused { message: reason.socket_io().into(), code: Some(reason.name()) }
                }
            }
        })?;
        let newcomer = Unauthenticated::new(ConnectionId::new(self.gateway.app().clock.now()));
        let sid = newcomer.connection().to_string();
        let gateway = self.gateway.clone();
        let enter = move || {
            let limits = gateway.session_limits(admitted.limits);
            let session = newcomer.authenticated(admitted.scope, limits);
            let opening = Opening {
                gateway,
                session,
                token: admitted.token,
                endpoint: Endpoint::SocketIo,
                dialect: Dialect::SocketIo(namespace),
                outbox: socket.outbox.clone(),
                wire: socket.wire.clone(),
                seat: admitted.seat,
                place: admitted.place,
            };
            SessionActor::open(opening, socket);
        };
        Ok(Welcome { sid, enter: Box::new(enter) })
    }
}
