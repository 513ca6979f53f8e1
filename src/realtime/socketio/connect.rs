//! Connects clients of `/socket.io/` to namespaces: from a token to a session.

use std::net::IpAddr;

use actix_web::HttpRequest;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::users::Role;
use crate::ids::{CallId, ConnectionId};
use crate::json;
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::{Dialect, Namespace};
use crate::realtime::Gateway;
use crate::realtime::admission::{self, Admitted, HandshakeCredentials, PendingConnection};
use crate::realtime::session::{SessionActor, SessionParts, Unauthenticated};
use crate::realtime::target::EndpointTarget;
use crate::realtime::websocket::handshake::{foreign_origin, offered_token, shown_load_test_secret};
use crate::secret::Secret;

use super::{Accepted, ConnectError, ConnectHandler, ConnectRequest};

/// The [`ConnectHandler`] of a connection: a client with a good token gets a session.
pub(crate) struct SessionConnector {
    gateway: Gateway,
    address: IpAddr,
    call: CallId,
    /// The token in the handshake, for clients that send none when they connect to a namespace.
    offered: Option<Secret<String>>,
    load_test_secret: Option<Secret<String>>,
    origin: Option<String>,
    /// Counts the connection as unauthenticated until a namespace is connected.
    pending: Option<PendingConnection>,
}

impl SessionConnector {
    /// For the connection that `request` opens.
    pub(crate) fn new(
        gateway: Gateway,
        address: IpAddr,
        call: CallId,
        pending: PendingConnection,
        request: &HttpRequest,
    ) -> Self {
        let offered = offered_token(request.uri(), request.headers());
        let load_test_secret = shown_load_test_secret(request.headers());
        let origin = foreign_origin(request.headers()).map(str::to_owned);
        Self { gateway, address, call, offered, load_test_secret, origin, pending: Some(pending) }
    }

    fn may_administer(&self, admitted: &Admitted) -> bool {
        admitted.scope.role() == Role::Admin && self.gateway.check_admin_address(self.address).is_ok()
    }

    async fn admit(
        &mut self,
        connection: ConnectionId,
        namespace: Namespace,
        auth: Option<&RawValue>,
    ) -> Result<Admitted, CloseReason> {
        let pending = self.pending.take().or_else(|| self.gateway.addresses().acquire(self.address));
        let pending = pending.ok_or(CloseReason::TooManyConnections)?;
        let auth_payload = AuthPayload::read(auth);
        let credentials = HandshakeCredentials {
            token: auth_payload.token.or_else(|| self.offered.clone()),
            ticket: None,
            load_test_secret: auth_payload.load_test_secret.or_else(|| self.load_test_secret.clone()),
            origin: self.origin.clone(),
            connection,
            endpoint: Endpoint::SocketIo,
            call: self.call,
        };
        match admission::admit(&self.gateway, credentials, pending).await {
            Ok(admitted) if namespace != Namespace::Admin || self.may_administer(&admitted) => Ok(admitted),
            Ok(_) => {
                self.pending = self.gateway.addresses().acquire(self.address);
                Err(CloseReason::NotYours)
            }
            Err((rejection, pending)) => {
                self.pending = Some(pending);
                Err(rejection.close_reason())
            }
        }
    }
}

/// The `auth` payload that a client sends when it connects to a namespace.
#[derive(Default)]
struct AuthPayload {
    token: Option<Secret<String>>,
    load_test_secret: Option<Secret<String>>,
}

impl AuthPayload {
    fn read(auth: Option<&RawValue>) -> Self {
        #[derive(Default, Deserialize)]
        struct Auth {
            #[serde(default)]
            token: Option<String>,
            #[serde(default)]
            load_test_secret: Option<String>,
        }
        let auth: Auth = auth.and_then(|auth| json::from_str(auth.get()).ok()).unwrap_or_default();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Secret::new);
        Self { token: given(auth.token), load_test_secret: given(auth.load_test_secret) }
    }
}

impl ConnectHandler for SessionConnector {
    async fn connect(&mut self, connect: ConnectRequest) -> Result<Accepted, ConnectError> {
        let ConnectRequest { namespace, auth, socket } = connect;
        let Some(namespace) = Namespace::named(&namespace) else {
            return Err(ConnectError::Refused { message: "Invalid namespace".into(), code: None });
        };
        let unauthenticated = Unauthenticated::new(ConnectionId::new(self.gateway.app().clock.now()));
        let admitted =
            self.admit(unauthenticated.connection(), namespace, auth.as_deref()).await.map_err(|reason| {
                self.gateway.metrics().refused(reason);
                log::info!(
                    target: "souk::realtime", request_id:% = self.call, address:% = self.address;
                    "a socket was refused: {}", reason.name()
                );
                match reason {
                    // The rate of its address: the connection is closed, so that its further attempts cost a
                    // connection each.
                    CloseReason::TooFast | CloseReason::Restarting | CloseReason::Internal => {
                        ConnectError::Later(reason)
                    }
                    reason => {
                        let of_address = self.gateway.check_admin_address(self.address).err();
                        let message = of_address.filter(|_| reason == CloseReason::NotYours);
                        let message = message.unwrap_or(reason.socket_io()).into();
                        ConnectError::Refused { message, code: Some(reason.name()) }
                    }
                }
            })?;
        let sid = unauthenticated.connection().to_string();
        let gateway = self.gateway.clone();
        let start = move || {
            let limits = gateway.session_limits(admitted.scope.plan());
            let session = unauthenticated.authenticated(admitted.scope, limits);
            let parts = SessionParts {
                gateway,
                session,
                proof: admitted.proof,
                endpoint: Endpoint::SocketIo,
                target: EndpointTarget::Any,
                dialect: Dialect::SocketIo(namespace),
                outbox: socket.outbox.clone(),
                handle: socket.handle.clone(),
                user_permit: admitted.user_permit,
                address_permit: admitted.address_permit,
                node_permit: admitted.node_permit,
            };
            SessionActor::open(parts, socket);
        };
        Ok(Accepted { sid, start: Box::new(start) })
    }
}
