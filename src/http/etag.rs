//! Versions as entity tags (RFC 9110, section 8.8.3), so that updates do not overwrite changes that the
//! caller has not seen.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use super::Problem;

/// The version in `If-Match`; `None` if it is absent or `*`, and the update then applies to any version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

/// The entity tag of a version.
pub(super) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Whether `If-None-Match` names this version.
pub(super) fn is_known(request: &HttpRequest, version: i64) -> bool {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    known.is_some_and(|tags| {
        tags.split(',').any(|t| {
            let t = t.trim();
            t == "*" || t.trim_start_matches("W/") == tag(version)
        })
    })
}

fn parse(value: &str) -> Result<Option<i64>, Problem> {
    if value.trim() == "*" {
        return Ok(None);
    }
    let version = value.trim().strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    match version.and_then(|v| v.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_if_match",
            "If-Match must be one ETag as we gave it, or *",
        )),
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::IF_MATCH) else { return ready(Ok(Self(None))) };
        ready(parse(value.to_str().unwrap_or_default()).map(Self))
    }
}

/// The version that a change must name in `If-Match`; `None` for `*`, which takes whatever is there. Without
/// the header the call is refused (RFC 6585, section 3): changes of boards come from many at once, and none
/// may be overwritten by accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(pub(crate) Option<i64>);

impl FromRequest for Seen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            let detail = "If-Match must name the ETag that you have seen, or * for whatever is there";
            return ready(Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                detail,
            )));
        }
        ready(IfMatch::from_request(request, payload).into_inner().map(|IfMatch(seen)| Self(seen)))
    }
}

/// As that of [`IfMatch`].
impl utoipa::IntoParams for Seen {
    fn into_params(given: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        IfMatch::into_params(given)
    }
}

/// For the OpenAPI document: refers to its shared `If-Match` parameter.
impl utoipa::IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header).build()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_back_and_others_are_refused() {
        assert_eq!(parse(&tag(7)).unwrap(), Some(7));
        assert_eq!(parse("*").unwrap(), None);
        for other in ["", "7", "\"x\"", "W/\"7\"", "\"1\", \"2\""] {
            assert!(parse(other).is_err(), "{other}");
        }
    }
}
