//! The doors of `/socket.io/`: from a token to a session.

use std::net::IpAddr;

use actix_web::HttpRequest;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Doors, Knock, TurnedAway, Welcome};
use crate::domain::users::Role;
use crate::ids::{CallId, ConnectionId};
use crate::json;
use crate::realtime::Gateway;
use crate::realtime::admission::{self, Admitted, Applicant};
use crate::realtime::close::{CloseReason, Endpoint};
use crate::realtime::protocol::{Dialect, Namespace, Private};
use crate::realtime::purpose::Purpose;
use crate::realtime::session::{Opening, SessionActor, Unauthenticated};
use crate::realtime::transport::Stranger;
use crate::realtime::transport::handshake::{foreign_origin, offered_token, shown_load_test_secret};

/// A connection's doors: whoever shows a good token becomes a session.
pub(in crate::realtime) struct Lobby {
    gateway: Gateway,
    address: IpAddr,
    call: CallId,
    /// What the handshake offered, for clients that show nothing when they connect.
    offered: Option<Private>,
    load_test_secret: Option<Private>,
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
        let load_test_secret = shown_load_test_secret(request.headers());
        let origin = foreign_origin(request.headers()).map(str::to_owned);
        Self { gateway, address, call, offered, load_test_secret, origin, stranger: Some(stranger) }
    }

    async fn admit(
        &mut self,
        namespace: Namespace,
        auth: Option<&RawValue>,
    ) -> Result<Admitted, CloseReason> {
        let stranger = self.stranger.take().or_else(|| self.gateway.addresses().let_in(self.address));
        let stranger = stranger.ok_or(CloseReason::TooManyConnections)?;
        let shown = Shown::read(auth);
        let applicant = Applicant {
            token: shown.token.or_else(|| self.offered.clone()),
            ticket: None,
            load_test_secret: shown.load_test_secret.or_else(|| self.load_test_secret.clone()),
            origin: self.origin.clone(),
            call: self.call,
        };
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

/// What a client shows when it connects to a namespace.
#[derive(Default)]
struct Shown {
    token: Option<Private>,
    load_test_secret: Option<Private>,
}

impl Shown {
    fn read(auth: Option<&RawValue>) -> Self {
        #[derive(Default, Deserialize)]
        struct Auth {
            #[serde(default)]
            token: Option<String>,
            #[serde(default)]
            load_test_secret: Option<String>,
        }
        let auth: Auth = auth.and_then(|auth| json::from_str(auth.get()).ok()).unwrap_or_default();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Private);
        Self { token: given(auth.token), load_test_secret: given(auth.load_test_secret) }
    }
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
            let limits = gateway.session_limits(admitted.scope.plan());
            let session = newcomer.authenticated(admitted.scope, limits);
            let opening = Opening {
                gateway,
                session,
                proof: admitted.proof,
                endpoint: Endpoint::SocketIo,
                purpose: Purpose::Anything,
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
