//! Versions as entity tags (RFC 9110, section 8.8.3), so that updates do not overwrite changes that the
//! caller has not seen.

use std::borrow::Cow;
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

/// The tag of the same version of a representation in a content coding: strong tags of different bytes differ
/// (RFC 9110, section 8.8.3.3). `None` for a weak tag, which may be the same.
pub(super) fn encoded(tag: &str, coding: &str) -> Option<String> {
    let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
    Some(format!("\"{opaque}-{coding}\""))
}

/// Without what [`encoded`] adds. Tags that a proxy has made weak by compressing are compared like strong ones.
fn plain(tag: &str) -> Cow<'_, str> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let opaque = tag.strip_suffix("-gzip\"").or_else(|| tag.strip_suffix("-deflate\""));
    opaque.map_or(Cow::Borrowed(tag), |opaque| Cow::Owned(format!("{opaque}\"")))
}

/// The tag in `If-None-Match` under which the caller has the representation of this tag, in whatever coding; the tag
/// itself for `*`. It is what an answer of 304 carries (RFC 9110, section 15.4.5).
pub(super) fn known(request: &HttpRequest, tag: &str) -> Option<String> {
    let lines = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).find_map(|named| match named {
        "*" => Some(tag.to_owned()),
        named => (plain(named) == tag).then(|| named.strip_prefix("W/").unwrap_or(named).to_owned()),
    })
}

fn parse(value: &str) -> Result<Option<i64>, Problem> {
    let value = value.trim();
    if value == "*" {
        return Ok(None);
    }
    // A weak tag never matches here (RFC 9110, section 13.1.1).
    let strong = (!value.starts_with("W/")).then(|| plain(value));
    let version =
        strong.as_deref().and_then(|tag| tag.strip_prefix('"')).and_then(|tag| tag.strip_suffix('"'));
    match version.and_then(|text| text.parse().ok().filter(|version: &i64| version.to_string() == text)) {
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
        let mut lines = request.headers().get_all(header::IF_MATCH);
        let Some(value) = lines.next() else { return ready(Ok(Self(None))) };
        // Several tags are refused, in one line or in more.
        let value = if lines.next().is_none() { value.to_str().unwrap_or_default() } else { "" };
        ready(parse(value).map(Self))
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
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_copy_is_known_in_whatever_coding_it_was_fetched() {
        let asks = |named: &'static str| {
            TestRequest::default().insert_header((header::IF_NONE_MATCH, named)).to_http_request()
        };
        for (named, known_as) in [
            ("\"7\"", Some("\"7\"")),
            ("\"6-gzip\", \"7-gzip\"", Some("\"7-gzip\"")),
            ("W/\"7-gzip\"", Some("\"7-gzip\"")),
            ("W/\"7\"", Some("\"7\"")),
            ("*", Some("\"7\"")),
            ("\"6\"", None),
            ("\"7-gzip-gzip\"", None),
            ("7", None),
        ] {
            assert_eq!(known(&asks(named), &tag(7)).as_deref(), known_as, "{named}");
        }
    }

    #[test]
    fn a_tag_reads_back_and_others_are_refused() {
        assert_eq!(parse(&tag(7)).unwrap(), Some(7));
        assert_eq!(parse("*").unwrap(), None);
        for coding in ["gzip", "deflate"] {
            assert_eq!(parse(&encoded(&tag(7), coding).unwrap()).unwrap(), Some(7));
        }
        for other in [
            "",
            "7",
            "\"x\"",
            "W/\"7\"",
            "W/\"7-gzip\"",
            "\"1\", \"2\"",
            "\"7-br\"",
            "-gzip\"",
            "\"+7\"",
            "\"07\"",
        ] {
            assert!(parse(other).is_err(), "{other}");
        }
    }
}
