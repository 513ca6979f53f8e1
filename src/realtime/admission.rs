//! Who may open a session: decided before there is one, in the contracted order.

use actix_web::HttpRequest;

use super::Gateway;
use super::close::CloseReason;
use super::hub::{NoSeat, Seat};
use super::protocol::Private;
use super::transport::handshake::{offered_ticket, offered_token, origin};
use super::transport::{Place, Stranger};
use crate::app::App;
use crate::auth::{Auth, AuthError, Refusal};
use crate::config::PlanLimits;
use crate::domain::policy::Scope;
use crate::ids::CallId;

/// The scope of whoever shows this token, or as what they must be turned away: the table of what `auth` says.
pub(super) async fn identify(auth: &Auth, token: &Private, call: CallId) -> Result<Scope, CloseReason> {
    auth.authenticate(&token.0, call).await.map_err(|error| match error {
        AuthError::Missing => CloseReason::NoToken,
        AuthError::Invalid(Refusal::Revoked) => CloseReason::Revoked,
        AuthError::Invalid(_) => CloseReason::InvalidToken,
        AuthError::Expired => CloseReason::TokenExpired,
        AuthError::NoSubject => CloseReason::NoSubject,
        AuthError::UnknownOrInactive => CloseReason::UserUnknownOrInactive,
        // Logged where it happened.
        AuthError::Overloaded { .. } | AuthError::Internal(_) => CloseReason::Internal,
    })
}

/// Somebody who may open a session, with their places in all counts.
pub(super) struct Admitted {
    pub(super) scope: Scope,
    pub(super) token: Private,
    pub(super) limits: PlanLimits,
    pub(super) seat: Seat,
    pub(super) place: Place,
}

/// Somebody who wants to open a session.
pub(super) struct Applicant {
    /// What they show.
    pub(super) token: Option<Private>,
    /// What they show instead, on a plain WebSocket.
    pub(super) ticket: Option<Private>,
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
        Self { token, ticket, origin: origin(request.headers()).map(str::to_owned), call }
    }
}

/// Token, user, origin, limits: the first that fails says why, and the stranger stays one.
pub(super) async fn admit(
    gateway: &Gateway,
    applicant: Applicant,
    stranger: Stranger,
) -> Result<Admitted, (CloseReason, Stranger)> {
    let Applicant { token, ticket, origin, call } = applicant;
    let (scope, token) = match newcomer(gateway, token, ticket, call).await {
        Ok(identified) => identified,
        Err(reason) => return Err((reason, stranger)),
    };
    let config = &gateway.app().config;
    if origin.is_some_and(|origin| !config.origins.allows(&origin)) {
        return Err((CloseReason::OriginRefused, stranger));
    }
    let limits = gateway.app().limits(scope.plan());
    let seat = match gateway.app().hub.seat(scope.user(), limits.connections) {
        Ok(seat) => seat,
        Err(NoSeat::Taken) => return Err((CloseReason::TooManyConnections, stranger)),
        Err(NoSeat::Draining) => return Err((CloseReason::Restarting, stranger)),
    };
    match stranger.admit() {
        Ok(place) => Ok(Admitted { scope, token, limits, seat, place }),
        Err(stranger) => Err((CloseReason::TooManyConnections, stranger)),
    }
}

async fn newcomer(
    gateway: &Gateway,
    token: Option<Private>,
    ticket: Option<Private>,
    call: CallId,
) -> Result<(Scope, Private), CloseReason> {
    let App { auth, config, .. } = gateway.app();
    let token = match token {
        Some(token) => token,
        None => redeemed(auth, ticket)?,
    };
    let identified = identify(auth, &token, call);
    let scope = actix_web::rt::time::timeout(config.server.handshake_timeout, identified)
        .await
        .map_err(|_| CloseReason::Internal)??;
    Ok((scope, token))
}

/// The token that the handshake's ticket stands for. A ticket opens one door once.
fn redeemed(auth: &Auth, ticket: Option<Private>) -> Result<Private, CloseReason> {
    let ticket = ticket.ok_or(CloseReason::NoToken)?;
    auth.redeem_ticket(&ticket.0).map(Private).ok_or(CloseReason::InvalidToken)
}
