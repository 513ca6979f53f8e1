//! Errors as `application/problem+json` (RFC 9457): one table from domain errors, and one place that writes
//! them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::value::RawValue;

use crate::db::DbError;
use crate::domain::{Error, FieldError};
use crate::ids::CallId;

/// An error response. Handlers return it; [`render`] writes it.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    conflict: Option<Conflict>,
    retry_after: Option<Duration>,
    /// A header that belongs to this status.
    header: Option<(HeaderName, &'static str)>,
    is_during_outage: bool,
}

/// What the caller did not know of the resource.
#[derive(Clone, Debug)]
enum Conflict {
    /// Its state, and what the caller may do in it (409).
    State(&'static str, Vec<&'static str>),
    /// The resource as it is now (412).
    Current(Arc<RawValue>),
}

/// Marks the response to a call that met an outage of the database. The database logs an outage at its begin
/// and at its end; a line for each call would bury these.
pub(super) struct DuringOutage;

/// The document that clients get.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Identifies the kind of problem; stable.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:souk:problem:[a-z_]+$", example = "urn:souk:problem:slot_taken")]
    kind: String,
    /// The status in words.
    title: &'a str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A human-readable explanation.
    detail: &'a str,
    /// The last part of `type`, for programs.
    #[schema(pattern = "^[a-z_]+$")]
    code: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The request's id in our logs.
    request_id: String,
    /// Which fields are wrong, and why (422).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>)]
    errors: &'a [FieldError],
    /// The current state of the resource (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = super::schema::states)]
    current_state: Option<&'a str>,
    /// What you may do in that state (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = super::schema::all_steps)]
    allowed_actions: Option<&'a [&'static str]>,
    /// The resource as it is now, of boards (412).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    current: Option<&'a RawValue>,
}

impl Problem {
    /// A problem with its stable code and a sentence for people.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            conflict: None,
            retry_after: None,
            header: None,
            is_during_outage: false,
        }
    }

    /// 401 with its challenge (RFC 6750, section 3).
    pub(crate) fn unauthorized(challenge: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// Adds a `Retry-After` header.
    pub(crate) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds the header that belongs to its status.
    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The response will be marked [`DuringOutage`].
    pub(super) fn during_outage(self) -> Self {
        Self { is_during_outage: true, ..self }
    }

    /// A response that [`render`] will turn into the document, for callers that add further headers.
    pub(super) fn marked(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status);
        response.extensions_mut().insert(self.clone());
        response
    }

    fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    fn document<'a>(&'a self, path: &'a str, call: Option<CallId>) -> Document<'a> {
        let (current_state, allowed_actions, current) = match &self.conflict {
            None => (None, None, None),
            Some(Conflict::State(state, actions)) => (Some(*state), Some(actions.as_slice()), None),
            Some(Conflict::Current(row)) => (None, None, Some(&**row)),
        };
        Document {
            kind: format!("urn:souk:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: &self.code,
            instance: path,
            request_id: call.map(|c| c.to_string()).unwrap_or_default(),
            errors: &self.errors,
            current_state,
            allowed_actions,
            current,
        }
    }
}

/// The table of domain errors on HTTP.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Error::ReadOnly => Self::new(StatusCode::FORBIDDEN, "read_only", detail),
            Error::Private(_) => Self::new(StatusCode::FORBIDDEN, "private", detail),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::Conflict { current_state, allowed_actions, .. } => Self {
                conflict: Some(Conflict::State(current_state, allowed_actions)),
                ..Self::new(StatusCode::CONFLICT, "conflicting_state", detail)
            },
            Error::Blocked { code, current_state, allowed_actions, .. } => Self {
                conflict: Some(Conflict::State(current_state, allowed_actions)),
                ..Self::new(StatusCode::CONFLICT, code, detail)
            },
            Error::Taken { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            Error::AlreadyApplied { .. } => Self::new(StatusCode::CONFLICT, "already_applied", detail),
            Error::Full { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            Error::Stale { .. } => Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail),
            Error::Changed { current, .. } => Self {
                conflict: Some(Conflict::Current(current)),
                ..Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
            },
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with_errors(errors)
            }
            Error::Limited { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "limited", detail).retry_after(retry_after)
            }
            Error::QuotaExceeded { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", detail).retry_after(retry_after)
            }
            Error::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail),
            Error::Db(error) => error.into(),
        }
    }
}

/// Database failures: internal ones are logged here and not described to the client.
impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded | DbError::Contended(_) | DbError::TimedOut(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too much is going on; try again")
                    .retry_after(Duration::from_secs(1))
            }
            DbError::Unavailable(why) => {
                // The database logs an outage itself, once for its duration.
                log::debug!("the database is unavailable: {why}");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment")
                    .retry_after(Duration::from_secs(2))
                    .during_outage()
            }
            error => {
                log::error!("a unit of work failed: {error}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault; it has been logged")
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Only marks the response: its path and call id are known to [`render`] alone.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.marked().finish()
    }
}

/// Middleware that writes every error response as a problem document: ours, and the framework's own (no
/// route, wrong method, an interrupted payload), which would be plain text otherwise.
pub async fn render<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    // Not a clone of the request: routing fails while another reference to it exists.
    let path = request.path().to_owned();
    let call = request.extensions().get::<CallId>().copied();
    let response = match next.call(request).await {
        Ok(response) => response,
        Err(error) => {
            let answer = write(&path, call, error.error_response());
            return Err(InternalError::from_response("answered with a problem", answer).into());
        }
    };
    let is_ours = response.response().extensions().contains::<Problem>();
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    // The framework's own errors are plain text; those of Engine.IO and of probes are JSON.
    let media_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_plain = media_type.is_none_or(|media_type| media_type.starts_with(b"text/plain"));
    if is_ours || (is_error && is_plain) {
        let (http, response) = response.into_parts();
        let answer = write(&path, call, response.drop_body().map_into_boxed_body());
        return Ok(ServiceResponse::new(http, answer).map_into_right_body());
    }
    Ok(response.map_into_left_body())
}

fn write(path: &str, call: Option<CallId>, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let marked = response.extensions().get::<Problem>().cloned();
    let problem = marked.unwrap_or_else(|| of_framework(response.status()));
    let mut answer = HttpResponse::build(problem.status);
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            answer.append_header((name, value));
        }
    }
    if let Some(after) = problem.retry_after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        answer.insert_header((header::RETRY_AFTER, seconds.max(1)));
    }
    if let Some(header) = &problem.header {
        answer.insert_header(header.clone());
    }
    if problem.is_during_outage {
        answer.extensions_mut().insert(DuringOutage);
    }
    let body = serde_json::to_string(&problem.document(path, call)).unwrap_or_default();
    answer.content_type("application/problem+json").body(body)
}

/// The document for a request whose head was refused: it has no path and no id.
pub(super) fn of_refused_head(status: StatusCode) -> String {
    serde_json::to_string(&of_framework(status).document("", None)).unwrap_or_default()
}

fn of_framework(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", "there is no such address"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not take that method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is too large"),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "the request took too long to arrive"),
        StatusCode::LENGTH_REQUIRED => ("length_required", "the request needs a Content-Length"),
        StatusCode::URI_TOO_LONG => ("uri_too_long", "the address is too long"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "the body must be of the media type that the documentation names")
        }
        StatusCode::EXPECTATION_FAILED => ("expectation_failed", "Expect can be nothing but 100-continue"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("headers_too_large", "the headers are too large"),
        status if status.is_server_error() => ("internal", "our fault; it has been logged"),
        _ => ("bad_request", "the request is not well-formed"),
    };
    Problem::new(status, code, detail)
}
