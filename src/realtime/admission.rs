//! Who may open a session: decided before there is one, in the contracted order.

use actix_web::HttpRequest;

use super::Gateway;
use super::close::CloseReason;
use super::hub::{NoSeat, Seat};
use super::protocol::Private;
use super::transport::handshake::{offered_ticket, offered_token, origin, shown_load_test_secret};
use super::transport::{Place, Stranger};
use crate::app::App;
use crate::auth::{Auth, AuthError, Refusal};
use crate::domain::policy::Scope;
use crate::ids::CallId;

/// The scope of whoever shows this token, or as what they must be turned away.
pub(super) async fn identify(auth: &Auth, token: &Private, call: CallId) -> Result<Scope, CloseReason> {
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
    pub(super) seat: Seat,
    pub(super) place: Place,
}

/// Somebody who wants to open a session.
pub(super) struct Applicant {
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

impl Applicant {
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
    applicant: Applicant,
    stranger: Stranger,
) -> Result<Admitted, (CloseReason, Stranger)> {
    let origin = applicant.origin.clone();
    let (scope, proof) = match newcomer(gateway, applicant).await {
        Ok(identified) => identified,
        Err(reason) => return Err((reason, stranger)),
    };
    let config = &gateway.app().config;
    if origin.is_some_and(|origin| !config.allows_origin(&origin)) {
        return Err((CloseReason::OriginRefused, stranger));
    }
    let at_most = gateway.app().limits(scope.plan()).connections;
    let seat = match gateway.app().hub.seat(scope.user(), at_most) {
        Ok(seat) => seat,
        Err(NoSeat::Taken) => {
            gateway.app().metrics.plan_limited("connections", scope.plan().as_str());
            return Err((CloseReason::TooManyConnections, stranger));
        }
        Err(NoSeat::Draining) => return Err((CloseReason::Restarting, stranger)),
    };
    match stranger.admit() {
        Ok(place) => Ok(Admitted { scope, proof, seat, place }),
        Err(stranger) => Err((CloseReason::TooManyConnections, stranger)),
    }
}

async fn newcomer(gateway: &Gateway, applicant: Applicant) -> Result<(Scope, Proof), CloseReason> {
    let App { auth, config, .. } = gateway.app();
    let Applicant { token, ticket, load_test_secret, call, .. } = applicant;
    if let Some(secret) = load_test_secret.filter(|_| auth.admits_load_tests()) {
        let scope = auth.admit_load_test(&secret.0, call).map_err(close_reason)?;
        return Ok((scope, Proof::LoadTest));
    }
    let token = match token {
        Some(token) => token,
        None => redeemed(auth, ticket)?,
    };
    let identified = identify(auth, &token, call);
    let scope = actix_web::rt::time::timeout(config.server.handshake_timeout, identified)
        .await
        .map_err(|_| CloseReason::Internal)??;
    Ok((scope, Proof::Token(token)))
}

/// Whether the right by which somebody was let in still stands.
pub(super) async fn identify_again(auth: &Auth, proof: &Proof, call: CallId) -> Result<(), CloseReason> {
    match proof {
        Proof::Token(token) => identify(auth, token, call).await.map(drop),
        Proof::LoadTest => Ok(()),
    }
}

/// The token that the handshake's ticket stands for. A ticket opens one door once.
fn redeemed(auth: &Auth, ticket: Option<Private>) -> Result<Private, CloseReason> {
    let ticket = ticket.ok_or(CloseReason::NoToken)?;
    auth.redeem_ticket(&ticket.0).map(Private).ok_or(CloseReason::InvalidToken)
}
