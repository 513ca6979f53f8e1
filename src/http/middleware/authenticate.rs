//! Authenticates and rate-limits requests before a route sees them, and therefore before path and body are
//! parsed. The order is the same for all routes: the address's rate, the token, the caller's rate.
//!
//! Only a valid token moves a request from its address's budget to its user's. Requests with a forged or
//! revoked token are charged to the address, like requests without one. An address with an exhausted budget
//! may still have valid callers (an office, a mobile network), so tokens are checked there, too: first the
//! signature, which costs no more than the refusal would, and the database only for a validly signed token.

use std::net::IpAddr;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};

use crate::app::App;
use crate::auth::{AuthError, Refused};
use crate::config::dashboard::NOT_OPEN_TO_ADDRESS;
use crate::domain;
use crate::domain::policy::{Scope, refuse_write};
use crate::http::extract::bearer;
use crate::http::{Caller, Problem, client_address};
use crate::ids::CallId;
use crate::limits::{Limited, RateLimitStatus};

use super::access::{Access, access, is_administration};

/// Counts the request, and inserts the [`Caller`] into its extensions if its token is valid; answers 429 and
/// 401 by itself, and sends every caller the `RateLimit-*` headers.
pub(crate) async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    if is_administration(&request) && !is_admin_address(&app, &request) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", NOT_OPEN_TO_ADDRESS);
        return Ok(request.into_response(problem.error_response()).map_into_right_body());
    }
    let checked = match access(&request) {
        Access::Probe => Ok(()),
        Access::Live => return live(&app, request, next).await,
        Access::Open => check(&app, &request).await.or_else(Rejection::on_open_route),
        Access::Token => match check(&app, &request).await {
            Ok(()) => only_reads(&app, &request).await,
            Err(refusal) => {
                let address = client_address(request.request(), &app.config.server);
                Err(refusal.on_protected_route(&app, address, call_of(&app, &request)).await)
            }
        },
    };
    let mut response = match checked {
        Ok(()) => next.call(request).await?.map_into_left_body(),
        Err(problem) => request.into_response(problem.error_response()).map_into_right_body(),
    };
    add_rate_limit_headers(&mut response);
    Ok(response)
}

/// Whether administration is open to the client's address.
fn is_admin_address(app: &App, request: &ServiceRequest) -> bool {
    app.config.dashboard.admits(client_address(request.request(), &app.config.server))
}

/// A route of live connections: requests that open one, or belong to one, have their own limits. Requests
/// that end in an error are charged to the address.
async fn live<B: MessageBody + 'static>(
    app: &App,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let address = client_address(request.request(), &app.config.server);
    let response = next.call(request).await?;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return Ok(response.map_into_left_body());
    }
    let counted = app.rates.address(address);
    store_status(response.request(), counted);
    let mut response = match counted {
        Ok(_) => response.map_into_left_body(),
        Err(limited) => {
            let answer = too_many(limited).error_response();
            ServiceResponse::new(response.into_parts().0, answer).map_into_right_body()
        }
    };
    add_rate_limit_headers(&mut response);
    Ok(response)
}

/// Why a request has no authenticated caller.
enum Rejection {
    /// The rate limit was exceeded.
    Limited(Problem),
    /// The token is missing or invalid. The address has been charged for it.
    Token(Refused),
}

impl Rejection {
    /// On an open route, an invalid token counts as none.
    fn on_open_route(self) -> Result<(), Problem> {
        match self {
            Self::Limited(problem) => Err(problem),
            Self::Token(_) => Ok(()),
        }
    }

    async fn on_protected_route(self, app: &App, address: IpAddr, call: CallId) -> Problem {
        match self {
            Self::Limited(problem) => problem,
            Self::Token(refused) => {
                app.auth.note_refusal(&refused, Some(address), call).await;
                refused.into_error().into()
            }
        }
    }
}

async fn check(app: &App, request: &ServiceRequest) -> Result<(), Rejection> {
    let address = client_address(request.request(), &app.config.server);
    let refused = match bearer(request.headers()) {
        None => AuthError::Missing.into(),
        Some(token) => match app.auth.identify(token, address, &app.rates, call_of(app, request)).await {
            Ok(scope) => return count_caller(app, request, scope),
            Err(refused) => refused,
        },
    };
    // A token that could not be checked must not be charged to its address.
    if !refused.error().is_verdict() {
        return Err(Rejection::Token(refused));
    }
    let counted = app.rates.address(address);
    store_status(request.request(), counted);
    match counted {
        Ok(_) => Err(Rejection::Token(refused)),
        Err(limited) => Err(Rejection::Limited(too_many(limited))),
    }
}

fn count_caller(app: &App, request: &ServiceRequest, scope: Scope) -> Result<(), Rejection> {
    let (charged, plan) = scope.charged();
    let counted = app.rates.user(charged, app.limits(plan).requests);
    store_status(request.request(), counted);
    if let Err(limited) = counted {
        app.metrics.plan_limited("requests", plan.as_str());
        return Err(Rejection::Limited(too_many(limited)));
    }
    request.extensions_mut().insert(Caller(scope));
    Ok(())
}

/// Refuses whatever could change something to a caller who acts as somebody else: on every route, also on one whose
/// use case has no right that it would check.
async fn only_reads(app: &App, request: &ServiceRequest) -> Result<(), Problem> {
    let caller = request.extensions().get::<Caller>().map(|caller| caller.0.clone());
    let acting = caller.filter(|scope| scope.impersonator().is_some() && !request.method().is_safe());
    let Some(scope) = acting else { return Ok(()) };
    let pattern = request.resource_map().match_pattern(request.match_info().unprocessed());
    let what = format!("{} {}", request.method(), pattern.unwrap_or_default());
    let refused = app.db.write(move |uow| Err::<(), _>(refuse_write(uow, &scope, &what)));
    Ok(refused.await?)
}

fn call_of(app: &App, request: &ServiceRequest) -> CallId {
    let named = request.extensions().get::<CallId>().copied();
    named.unwrap_or_else(|| CallId::new(app.clock.now()))
}

fn too_many(limited: Limited) -> Problem {
    domain::Error::Limited { detail: "too many requests", retry_after: limited.retry_after }.into()
}

fn store_status(request: &impl HttpMessage, counted: Result<RateLimitStatus, Limited>) {
    let status = counted.unwrap_or_else(|limited| limited.status);
    request.extensions_mut().insert(status);
}

/// Adds `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers-06, section 3).
fn add_rate_limit_headers<B>(response: &mut ServiceResponse<B>) {
    let Some(status) = response.request().extensions().get::<RateLimitStatus>().copied() else { return };
    let mut put = |name, value: u64| put(response.headers_mut(), name, value);
    put("ratelimit-limit", status.limit.into());
    put("ratelimit-remaining", status.remaining.into());
    put("ratelimit-reset", status.reset.as_secs_f64().ceil() as u64);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: u64) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
}
