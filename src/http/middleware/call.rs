//! The id of a call, its log line and its metrics.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use crate::app::App;
use crate::http::problem::DuringOutage;
use crate::ids::CallId;
use crate::telemetry::without_secret;

use super::encoding;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Assigns the call its id (the client's `X-Request-Id` if it has a safe form), puts it into the request's
/// extensions and the response, and counts and logs the call when its response begins.
pub(crate) async fn call<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else { return next.call(request).await };
    let began = Instant::now();
    let given = request.headers().get(X_REQUEST_ID).and_then(|name| name.to_str().ok()?.parse().ok());
    let call = given.unwrap_or_else(|| CallId::new(app.clock.now()));
    request.extensions_mut().insert(call);
    encoding::ignore_unacceptable(&mut request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let mut answer = next.call(request).await;
    let name = HeaderValue::from_str(call.as_str()).unwrap_or(HeaderValue::from_static(""));
    let (route, status, is_during_outage) = match &mut answer {
        Ok(response) => {
            response.headers_mut().insert(X_REQUEST_ID, name);
            encoding::complete(response.headers_mut());
            // The pattern instead of the path, and one label for all unmatched paths: the labels would be
            // unbounded otherwise.
            let is_during_outage = response.response().extensions().contains::<DuringOutage>();
            (response.request().match_pattern(), response.status(), is_during_outage)
        }
        Err(error) => {
            let mut response = error.error_response();
            response.headers_mut().insert(X_REQUEST_ID, name);
            let (status, is_during_outage) =
                (response.status(), response.extensions().contains::<DuringOutage>());
            *error = InternalError::from_response("answered", response).into();
            (None, status, is_during_outage)
        }
    };
    let route = route.as_deref().unwrap_or("(none)");
    let took = began.elapsed();
    app.metrics.http_answered(route, metric_method(method.as_str()), status.as_u16(), took);
    let level = match status.is_server_error() {
        true if is_during_outage => log::Level::Debug,
        true => log::Level::Error,
        false => level_of(route, status),
    };
    // Without the query, which may carry tokens and tickets. The logger itself masks what looks like one of
    // ours in a path, but the load-test secret has no recognizable form.
    let secret = app.config.load_test_secret.as_ref().map(|secret| secret.expose().as_str());
    let path = without_secret(&path, secret.unwrap_or_default());
    log::log!(
        target: "souk::http", level, request_id = call.as_str(), status = status.as_u16(), ms = took.as_millis() as u64;
        "{method} {path}"
    );
    answer
}

/// Successful probes, scrapes and polls are frequent, and logged at a lower level.
fn level_of(route: &str, status: StatusCode) -> log::Level {
    let is_probe = matches!(route, "/healthz" | "/readyz" | "/metrics") || route.ends_with("/socket.io/");
    if is_probe && status.is_success() { log::Level::Debug } else { log::Level::Info }
}

/// Methods are labels, too, and a client can send any number of different ones.
fn metric_method(method: &str) -> &str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    if KNOWN.contains(&method) { method } else { "other" }
}
