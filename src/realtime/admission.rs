//! Who may open a session: decided before there is one, in the contracted order.

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;

use super::Gateway;
use super::close::CloseReason;
use super::hub::{NoSeat, Seat};
use super::protocol::Private;
use super::transport::handshake::{offered_token, origin};
use super::transport::{Place, Stranger};
use crate::config::PlanLimits;
use crate::domain::policy::Scope;
use crate::domain::users::Plan;
use crate::ids::CallId;

/// Says who shows a token, or as what they must be turned away.
pub trait Doorkeeper: Send + Sync {
    /// The scope of whoever shows this token: signature, time, revocation, and the user as our own row has them now.
    fn identify<'a>(&'a self, token: &'a str, call: CallId)
    -> LocalBoxFuture<'a, Result<Scope, CloseReason>>;
}

/// Somebody who may open a session, with their places in all counts.
pub(super) struct Admitted {
    pub(super) scope: Scope,
    pub(super) token: Private,
    pub(super) limits: PlanLimits,
    pub(super) seat: Seat,
    pub(super) place: Place,
}

/// Token, user, origin, limits: the first that fails says why, and the stranger stays one.
pub(super) async fn admit(
    gateway: &Gateway,
    request: &HttpRequest,
    stranger: Stranger,
    call: CallId,
) -> Result<Admitted, (CloseReason, Stranger)> {
    let (scope, token) = match identify(gateway, request, call).await {
        Ok(identified) => identified,
        Err(reason) => return Err((reason, stranger)),
    };
    let config = &gateway.parts().config;
    if origin(request.headers()).is_some_and(|origin| !config.origins.allows(origin)) {
        return Err((CloseReason::OriginRefused, stranger));
    }
    let limits = match scope.plan() {
        Plan::Free => config.plans.free(),
        Plan::Pro => config.plans.pro(),
        Plan::Enterprise => config.plans.enterprise(),
    };
    let seat = match gateway.parts().hub.seat(scope.user(), limits.connections) {
        Ok(seat) => seat,
        Err(NoSeat::Taken) => return Err((CloseReason::TooManyConnections, stranger)),
        Err(NoSeat::Draining) => return Err((CloseReason::Restarting, stranger)),
    };
    match stranger.admit() {
        Ok(place) => Ok(Admitted { scope, token, limits, seat, place }),
        Err(stranger) => Err((CloseReason::TooManyConnections, stranger)),
    }
}

async fn identify(
    gateway: &Gateway,
    request: &HttpRequest,
    call: CallId,
) -> Result<(Scope, Private), CloseReason> {
    let token = offered_token(request.uri(), request.headers()).ok_or(CloseReason::NoToken)?;
    let identified = gateway.parts().doorkeeper.identify(&token.0, call);
    let scope = actix_web::rt::time::timeout(gateway.parts().config.server.handshake_timeout, identified)
        .await
        .map_err(|_| CloseReason::Internal)??;
    Ok((scope, token))
}
