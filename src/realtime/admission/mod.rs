//! Decides, before a session exists, who may open one: token, user, origin and limits, in the order of the
//! contract. It does not know transports, and does not decide about rooms.

mod pending_connections;

use std::net::IpAddr;
use std::time::Duration;

use actix_web::HttpRequest;

use crate::app::App;
use crate::auth::{Auth, AuthError, TokenRefusal};
use crate::domain::policy::Scope;
use crate::hub::{LimitError, UserPermit};
use crate::ids::{CallId, ConnectionId, UserId};
use crate::limits::CallerLimits;
use crate::nodes::{LiveConnection, NodePermit};
use crate::protocol::close::{CloseReason, Endpoint};
use crate::secret::Secret;

use super::Gateway;
use super::websocket::handshake::{offered_ticket, offered_token, origin, shown_load_test_secret};

pub use pending_connections::{AddressLimiter, AddressLimits};
pub(crate) use pending_connections::{AddressPermit, PendingConnection};

/// The scope that the token gives, or the reason to refuse the connection.
pub(super) async fn authenticate_token(
    auth: &Auth,
    token: &Secret<String>,
    call: CallId,
) -> Result<Scope, CloseReason> {
    auth.authenticate(token.expose(), call).await.map_err(close_reason)
}

/// Why a client may not open a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// The connection is closed for this reason.
    Closed(CloseReason),
    /// It did not authenticate, and neither did too many requests of its address before.
    Limited {
        /// Time until the address may try again.
        retry_after: Duration,
    },
}

impl Rejection {
    /// The reason on a transport that cannot answer 429 any more.
    pub(super) fn close_reason(self) -> CloseReason {
        match self {
            Self::Closed(reason) => reason,
            Self::Limited { .. } => CloseReason::TooFast,
        }
    }
}

impl From<CloseReason> for Rejection {
    fn from(reason: CloseReason) -> Self {
        Self::Closed(reason)
    }
}

/// The table from authentication errors to close reasons.
fn close_reason(error: AuthError) -> CloseReason {
    match error {
        AuthError::Missing => CloseReason::NoToken,
        AuthError::Invalid(TokenRefusal::Revoked) => CloseReason::Revoked,
        AuthError::Invalid(_) => CloseReason::InvalidToken,
        AuthError::Expired => CloseReason::TokenExpired,
        AuthError::NoSubject => CloseReason::NoSubject,
        AuthError::UnknownOrInactive => CloseReason::UserUnknownOrInactive,
        // Logged where it happened.
        AuthError::Unavailable { .. } | AuthError::Overloaded { .. } | AuthError::Internal(_) => {
            CloseReason::Internal
        }
    }
}

/// What a session was authenticated by, so that it can be checked again.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// A token.
    Token(Secret<String>),
    /// The load-test secret, which cannot be revoked while the server runs.
    LoadTest,
}

/// An authenticated client that may open a session, with its permits.
pub(super) struct Admitted {
    pub(super) scope: Scope,
    pub(super) proof: Proof,
    pub(super) user_permit: UserPermit,
    pub(super) address_permit: AddressPermit,
    pub(super) node_permit: NodePermit,
}

/// What a client presents when it opens a connection.
pub(super) struct HandshakeCredentials {
    /// The bearer token.
    pub(super) token: Option<Secret<String>>,
    /// A single-use ticket instead of a token; only on a plain WebSocket.
    pub(super) ticket: Option<Secret<String>>,
    /// The secret that load tests present instead of a token.
    pub(super) load_test_secret: Option<Secret<String>>,
    /// The origin of the web page that opened the connection; `None` if the client is not a browser.
    pub(super) origin: Option<String>,
    /// The id that the connection will have.
    pub(super) connection: ConnectionId,
    /// The endpoint that it connects to.
    pub(super) endpoint: Endpoint,
    /// The id of the handshake's call, for logs and audit rows.
    pub(super) call: CallId,
}

impl HandshakeCredentials {
    /// The credentials in a WebSocket handshake.
    pub(super) fn of(
        request: &HttpRequest,
        connection: ConnectionId,
        endpoint: Endpoint,
        call: CallId,
    ) -> Self {
        let token = offered_token(request.uri(), request.headers());
        let ticket = offered_ticket(request.uri());
        let load_test_secret = shown_load_test_secret(request.headers());
        let origin = origin(request.headers()).map(str::to_owned);
        Self { token, ticket, load_test_secret, origin, connection, endpoint, call }
    }
}

/// Checks token, user, origin and limits. The first check that fails gives the reason; the connection then
/// remains a [`PendingConnection`]. One that does not authenticate is charged to its address, like an HTTP
/// request without a good token.
pub(super) async fn admit(
    gateway: &Gateway,
    credentials: HandshakeCredentials,
    pending: PendingConnection,
) -> Result<Admitted, (Rejection, PendingConnection)> {
    // Who shows which token cannot be looked up now, and should come back to another node.
    if gateway.app().node_status.is_cut_off() {
        return Err((CloseReason::Restarting.into(), pending));
    }
    let (endpoint, call) = (credentials.endpoint, credentials.call);
    let admitted = admit_unaudited(gateway, credentials, pending).await;
    if let Err((Rejection::Closed(reason), user, _)) = &admitted
        && is_audited(*reason)
    {
        gateway.app().auth.note_refused_handshake(endpoint.name(), reason.name(), *user, call).await;
    }
    admitted.map_err(|(rejection, _, pending)| (rejection, pending))
}

/// Whether a refused handshake gets a row in the audit trail here. A token that was refused has one already, and
/// neither a restart nor our own fault is a refusal.
fn is_audited(reason: CloseReason) -> bool {
    matches!(reason, CloseReason::NoToken | CloseReason::OriginRefused | CloseReason::TooManyConnections)
}

/// With an error comes the user, if the token was good.
async fn admit_unaudited(
    gateway: &Gateway,
    credentials: HandshakeCredentials,
    pending: PendingConnection,
) -> Result<Admitted, (Rejection, Option<UserId>, PendingConnection)> {
    let origin = credentials.origin.clone();
    let (connection, endpoint) = (credentials.connection, credentials.endpoint);
    let (scope, proof) = match authenticate(gateway, credentials, pending.address()).await {
        Ok(identified) => identified,
        Err(rejection) => return Err((rejection, None, pending)),
    };
    let user = scope.actor();
    let app = gateway.app();
    let config = &app.config;
    if origin.is_some_and(|origin| !config.allows_origin(&origin)) {
        return Err((CloseReason::OriginRefused.into(), user, pending));
    }
    if scope.impersonator().is_some() && !shows_no_presence(endpoint) {
        return Err((CloseReason::NotYours.into(), user, pending));
    }
    let (charged, plan) = scope.charged();
    let at_most = app.limits(plan).connections;
    let user_permit = match app.hub.acquire(charged, at_most) {
        Ok(user_permit) => user_permit,
        Err(LimitError::LimitReached) => {
            app.metrics.plan_limited("connections", plan.as_str());
            return Err((CloseReason::TooManyConnections.into(), user, pending));
        }
        Err(LimitError::Draining) => return Err((CloseReason::Restarting.into(), user, pending)),
    };
    let live = LiveConnection::opened(connection, &scope, endpoint, pending.address(), app.clock.now());
    let node_permit = match app.nodes.register(live, at_most).await {
        Ok(Some(node_permit)) => node_permit,
        Ok(None) => {
            app.metrics.plan_limited("connections", plan.as_str());
            return Err((CloseReason::TooManyConnections.into(), user, pending));
        }
        // Logged where writes are.
        Err(_) => return Err((CloseReason::Internal.into(), user, pending)),
    };
    match pending.admit() {
        Ok(address_permit) => Ok(Admitted { scope, proof, user_permit, address_permit, node_permit }),
        Err(pending) => Err((CloseReason::TooManyConnections.into(), user, pending)),
    }
}

/// Whether a connection there, by itself, shows its user to nobody, changes nothing, and is for nothing private: only
/// there may one connect who acts as somebody else. A connection to a board also replaces that of the client whose id
/// it gives.
fn shows_no_presence(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Ws | Endpoint::SocketIo => true,
        Endpoint::Kanban | Endpoint::Reflections | Endpoint::Simulate => false,
    }
}

async fn authenticate(
    gateway: &Gateway,
    credentials: HandshakeCredentials,
    address: IpAddr,
) -> Result<(Scope, Proof), Rejection> {
    let App { auth, config, rates, .. } = gateway.app();
    let HandshakeCredentials { token, ticket, load_test_secret, call, .. } = credentials;
    let charged = |reason: CloseReason| match rates.address(address) {
        Ok(_) => Rejection::Closed(reason),
        Err(limited) => Rejection::Limited { retry_after: limited.retry_after },
    };
    if let Some(secret) = load_test_secret.filter(|_| auth.admits_load_tests()) {
        let scope =
            auth.admit_load_test(secret.expose(), call).map_err(|error| charged(close_reason(error)))?;
        return Ok((scope, Proof::LoadTest));
    }
    let identified = async {
        let token = match token {
            Some(token) => token,
            None => match redeemed(auth, ticket, address, rates).await {
                Ok(token) => token,
                // A ticket that could not be looked up must not be charged to its address.
                Err(CloseReason::Internal) => return Err(Rejection::Closed(CloseReason::Internal)),
                Err(reason) => return Err(charged(reason)),
            },
        };
        let refused = match auth.identify(token.expose(), address, rates, call).await {
            Ok(scope) => return Ok((scope, Proof::Token(token))),
            Err(refused) => refused,
        };
        // A token that could not be checked must not be charged to its address.
        if refused.error().is_verdict()
            && let Err(limited) = rates.address(address)
        {
            return Err(Rejection::Limited { retry_after: limited.retry_after });
        }
        auth.note_refusal(&refused, Some(address), call).await;
        Err(Rejection::Closed(close_reason(refused.into_error())))
    };
    actix_web::rt::time::timeout(config.server.handshake_timeout, identified)
        .await
        .map_err(|_| CloseReason::Internal)?
}

/// Checks again that the right which the session was admitted by still exists.
pub(super) async fn reauthenticate(auth: &Auth, proof: &Proof, call: CallId) -> Result<(), CloseReason> {
    match proof {
        Proof::Token(token) => authenticate_token(auth, token, call).await.map(drop),
        Proof::LoadTest => Ok(()),
    }
}

/// Redeems the handshake's ticket for the token that it stands for. A ticket can be redeemed once.
async fn redeemed(
    auth: &Auth,
    ticket: Option<Secret<String>>,
    address: IpAddr,
    rates: &CallerLimits,
) -> Result<Secret<String>, CloseReason> {
    let ticket = ticket.ok_or(CloseReason::NoToken)?;
    match auth.redeem_ticket(ticket.expose(), address, rates).await {
        Ok(token) => token.map(Secret::new).ok_or(CloseReason::InvalidToken),
        Err(error) => Err(close_reason(error)),
    }
}
