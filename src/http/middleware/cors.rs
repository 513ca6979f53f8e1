//! CORS (the Fetch standard): which web origins may read our responses.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use crate::app::App;
use crate::config::Config;
use crate::http::Problem;

/// Methods that a cross-origin script may use.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Request headers that a cross-origin script may set, besides those that are always allowed.
const SENDABLE: [&str; 6] =
    ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id"];

/// Response headers that a cross-origin script may read, besides those that are always allowed.
const READABLE: [&str; 11] = [
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-Id",
    "Idempotency-Replayed",
    "WWW-Authenticate",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
];

/// CORS for the configured origins. Without credentials: tokens are sent in a header, never in a cookie, so
/// there is nothing that a browser would add by itself.
pub(crate) fn cors(config: Arc<Config>) -> Cors {
    Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(SENDABLE)
        .expose_headers(READABLE)
        .allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(|origin| config.allows_origin(origin)))
        .max_age(3600)
}

/// Adds an explanation to a refused preflight request. The library's own response says little, and a
/// developer who sees it in the browser's tools could not tell which setting to change.
pub(crate) async fn explain_cors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let asked = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let question = asked(header::ACCESS_CONTROL_REQUEST_METHOD)
        .filter(|_| request.method() == Method::OPTIONS)
        .zip(asked(header::ORIGIN))
        .map(|(method, origin)| {
            let headers = asked(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
            (origin.to_owned(), method.to_owned(), headers.to_owned())
        });
    let response = next.call(request).await?;
    let Some((origin, method, headers)) = question.filter(|_| response.status() == StatusCode::BAD_REQUEST)
    else {
        return Ok(response.map_into_left_body());
    };
    let (request, response) = response.into_parts();
    let allows =
        |origin: &str| request.app_data::<Data<App>>().is_some_and(|app| app.config.allows_origin(origin));
    let detail = if !allows(&origin) {
        format!("origin {origin} is not among SOUK_ALLOWED_ORIGINS")
    } else if !METHODS.iter().any(|known| known.as_str() == method) {
        format!("pages may not call with the method {method}")
    } else {
        let known = |name: &str| SENDABLE.iter().any(|known| known.eq_ignore_ascii_case(name));
        let unknown: Vec<_> = headers.split(',').map(str::trim).filter(|name| !known(name)).collect();
        format!("pages may not send the header {}", unknown.join(", "))
    };
    let problem = Problem::new(StatusCode::BAD_REQUEST, "cors", detail);
    let mut answer = problem.error_response();
    if let Some(vary) = response.headers().get(header::VARY) {
        answer.headers_mut().insert(header::VARY, vary.clone());
    }
    Ok(ServiceResponse::new(request, answer).map_into_right_body())
}
