//! Who may open a session: decided before there is one, in the contracted order.

mod pending_connections;

use actix_web::HttpRequest;

use crate::app::App;
use crate::auth::{Auth, AuthError, Refusal};
use crate::domain::policy::Scope;
use crate::hub::{LimitError, UserPermit};
use crate::ids::CallId;
use crate::protocol::Private;
use crate::protocol::close::CloseReason;

use super::Gateway;
use super::websocket::handshake::{offered_ticket, offered_token, origin, shown_load_test_secret};

pub use pending_connections::{AddressLimiter, AddressLimits, AddressPermit, PendingConnection};

/// The scope of whoever shows this token, or as what they must be turned away.
pub(super) async fn authenticate_token(
    auth: &Auth,
    token: &Private,
    call: CallId,
) -> Result<Scope, CloseReason> {
    auth.authenticate(&token.0, call).await.map_err(close_reason)
}

/// The table of what `auth` says.
fn close_reason(error: AuthError) -> CloseReason {
    match error {
        AuthError::Missing => CloseReason::NoToken,
        AuthError::Invalid(Refusal::Revoked) => CloseReason::Revoked,
        AuthError::Invalid(_) => CloseReason::InvalidToken,
        AuthError::Expired => CloseReason::TokenExpired,
        AuthError::NoSubject => CloseReason::NoSubject,
        AuthError::UnknownOrInactive => CloseReason::UserUnknownOrInactive,
        // Logged where it happened.
        AuthError::Overloaded { .. } | AuthError::Internal(_) => CloseReason::Internal,
    }
}

/// What somebody was let in by.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A token, which can be looked at again.
    Token(Private),
    /// The load-test secret, which nobody takes back while the server runs.
    LoadTest,
}

/// Somebody who may open a session, with their places in all counts.
pub(super) struct Admitted {
    pub(super) scope: Scope,
    pub(super) proof: Proof,
    pub(super) user_permit: UserPermit,
    pub(super) address_permit: AddressPermit,
}

/// Somebody who wants to open a session.
pub(super) struct HandshakeCredentials {
    /// What they show.
    pub(super) token: Option<Private>,
    /// What they show instead, on a plain WebSocket.
    pub(super) ticket: Option<Private>,
    /// What load tests show instead.
    pub(super) load_test_secret: Option<Private>,
    /// The web page that they come from.
    pub(super) origin: Option<String>,
    /// The call that brought them.
    pub(super) call: CallId,
}

impl HandshakeCredentials {
    /// Whoever sent a WebSocket handshake.
    pub(super) fn of(request: &HttpRequest, call: CallId) -> Self {
        let token = offered_token(request.uri(), request.headers());
        let ticket = offered_ticket(request.uri());
        let load_test_secret = shown_load_test_secret(request.headers());
        let origin = origin(request.headers()).map(str::to_owned);
        Self { token, ticket, load_test_secret, origin, call }
    }
}

/// Token, user, origin, limits: the first that fails says why, and the stranger stays one.
pub(super) async fn admit(
    gateway: &Gateway,
    credentials: HandshakeCredentials,
    pending: PendingConnection,
) -> Result<Admitted, (CloseReason, PendingConnection)> {
    let origin = credentials.origin.clone();
    let (scope, proof) = match authenticate(gateway, credentials).await {
        Ok(identified) => identified,
        Err(reason) => return Err((reason, pending)),
    };
    let config = &gateway.app().config;
    if origin.is_some_and(|origin| !config.allows_origin(&origin)) {
        return Err((CloseReason::OriginRefused, pending));
    }
    let at_most = gateway.app().limits(scope.plan()).connections;
    let user_permit = match gateway.app().hub.acquire(scope.user(), at_most) {
        Ok(user_permit) => user_permit,
        Err(LimitError::LimitReached) => {
            gateway.app().metrics.plan_limited("connections", scope.plan().as_str());
            return Err((CloseReason::TooManyConnections, pending));
        }
        Err(LimitError::Draining) => return Err((CloseReason::Restarting, pending)),
    };
    match pending.admit() {
        Ok(address_permit) => Ok(Admitted { scope, proof, user_permit, address_permit }),
        Err(pending) => Err((CloseReason::TooManyConnections, pending)),
    }
}

async fn authenticate(
    gateway: &Gateway,
    credentials: HandshakeCredentials,
) -> Result<(Scope, Proof), CloseReason> {
    let App { auth, config, .. } = gateway.app();
    let HandshakeCredentials { token, ticket, load_test_secret, call, .. } = credentials;
    if let Some(secret) = load_test_secret.filter(|_| auth.admits_load_tests()) {
        let scope = auth.admit_load_test(&secret.0, call).map_err(close_reason)?;
        return Ok((scope, Proof::LoadTest));
    }
    let token = match token {
        Some(token) => token,
        None => redeemed(auth, ticket)?,
    };
    let identified = authenticate_token(auth, &token, call);
    let scope = actix_web::rt::time::timeout(config.server.handshake_timeout, identified)
        .await
        .map_err(|_| CloseReason::Internal)??;
    Ok((scope, Proof::Token(token)))
}

/// Whether the right by which somebody was let in still stands.
pub(super) async fn reauthenticate(auth: &Auth, proof: &Proof, call: CallId) -> Result<(), CloseReason> {
    match proof {
        Proof::Token(token) => authenticate_token(auth, token, call).await.map(drop),
        Proof::LoadTest => Ok(()),
    }
}

/// The token that the handshake's ticket stands for. A ticket opens one door once.
fn redeemed(auth: &Auth, ticket: Option<Private>) -> Result<Private, CloseReason> {
    let ticket = ticket.ok_or(CloseReason::NoToken)?;
    auth.redeem_ticket(&ticket.0).map(Private).ok_or(CloseReason::InvalidToken)
}
