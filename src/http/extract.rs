//! Extractors: the caller, path ids, the query, and JSON or form bodies. Each refuses with a problem document
//! that says what is wrong.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::AuthError;
use crate::domain::policy::Scope;
use crate::domain::{Error, FieldError};
use crate::json::{self, DocumentError};

use super::Problem;
use super::body::{is_form, parse_form, read_body};

/// The authenticated caller. There is no anonymous one.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Scope);

impl Deref for Caller {
    type Target = Scope;
    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Inserted by the `authenticate` middleware, which refuses unauthenticated requests earlier.
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| AuthError::Missing.into()))
    }
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(super) fn app_of(request: &HttpRequest) -> Result<web::Data<App>, Problem> {
    let internal = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault");
    request.app_data::<web::Data<App>>().cloned().ok_or_else(internal)
}

/// The id in the path; an invalid id matches nothing and is a 404.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<T>(pub(crate) T);

/// Two ids in the path, in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

fn segment<T: FromStr>(request: &HttpRequest, index: usize) -> Result<T, Problem> {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing");
    let (_, text) = request.match_info().iter().nth(index).ok_or_else(nothing)?;
    text.parse().map_err(|_| nothing())
}

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, 0).map(Self))
    }
}

impl<A: FromStr, B: FromStr> FromRequest for Ids<A, B> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, 0).and_then(|a| Ok(Self(a, segment(request, 1)?))))
    }
}

/// The parsed query string; 422 where a parameter does not parse.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parameters = url::form_urlencoded::parse(request.query_string().as_bytes());
        // PostgreSQL has no text with NUL in it, and no text of ours has one.
        if let Some((name, _)) = parameters.clone().find(|(_, value)| value.contains('\0')) {
            return ready(Err(Error::invalid(name.into_owned(), "must not contain NUL").into()));
        }
        let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(parameters));
        ready(parsed.map(Self).map_err(|error| {
            let path = error.path().to_string();
            // Without a path, no one parameter is wrong: one is missing, or is there twice.
            let field = if path == "." { "query".into() } else { path };
            Error::invalid(field, error.into_inner().to_string()).into()
        }))
    }
}

/// A JSON body.
#[derive(Clone, Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body that may be absent.
#[derive(Clone, Debug)]
pub(crate) struct MaybeBody<T>(pub(crate) Option<T>);

/// SHA-256 of the body as received, kept in the request's extensions for the idempotency fingerprint.
pub(super) struct BodyDigest(pub(super) [u8; 32]);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = MaybeBody::<T>::from_request(request, payload);
        Box::pin(async move {
            let missing =
                || Problem::new(StatusCode::BAD_REQUEST, "no_body", "this address needs a JSON body");
            body.await?.0.map(Self).ok_or_else(missing)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for MaybeBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = whole(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await?;
            request.extensions_mut().insert(BodyDigest(Sha256::digest(&bytes).into()));
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            if !is_json(&request) {
                let detail = "the body must be application/json";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
            }
            parse(&bytes).map(Some).map(Self)
        })
    }
}

/// A body that may be form-encoded or JSON: OAuth clients send either.
#[derive(Clone, Debug)]
pub(crate) struct FormOrJson<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for FormOrJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = whole(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await?;
            if is_form(&request) {
                return parse_form(&bytes).map(Self);
            }
            if bytes.is_empty() {
                let detail = "this address needs a body: a form, or JSON";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "no_body", detail));
            }
            if !is_json(&request) {
                let detail = "the body must be application/x-www-form-urlencoded or application/json";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", detail));
            }
            parse(&bytes).map(Self)
        })
    }
}

/// The whole body; 413 if it exceeds the configured limit.
fn whole(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let mut payload = payload.take();
    let request = request.clone();
    async move {
        // Path errors must win over body errors, whatever the order of a handler's parameters. actix-web
        // polls extractors in turn: those that are ready at once (path, query, headers) have refused before
        // this one is polled again.
        tokio::task::yield_now().await;
        let limit = app_of(&request)?.config.http.body_max;
        Ok(read_body(&request, &mut payload, limit).await?)
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let media_type = request.content_type();
    media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    json::from_slice(bytes).map_err(|error| match error {
        DocumentError::Syntax(error) => malformed(&error),
        DocumentError::Data { path, message } => Error::Invalid(vec![FieldError::new(path, message)]).into(),
    })
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is no JSON: {error}"))
}
