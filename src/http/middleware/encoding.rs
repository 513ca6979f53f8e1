//! What the compression around it does not do: leave short answers as they are, answer whoever accepts no encoding, and
//! tell caches that answers depend on what is accepted.

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, HeaderMap, HeaderValue,
    VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use crate::http::etag;

/// Bodies from this length on are compressed for clients that accept it, in bytes. Compressing a shorter one costs more
/// than its bytes, and begins with a window of 256 KiB.
const WORTH_IT: u64 = 1024;

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Marks a short body as encoded already, so that the compression around this leaves it as it is.
pub(crate) async fn spare_short<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut answer = next.call(request).await?;
    let is_short = matches!(answer.response().body().size(), BodySize::Sized(length) if length < WORTH_IT);
    if is_short && !answer.headers().contains_key(CONTENT_ENCODING) {
        answer.headers_mut().insert(CONTENT_ENCODING, IDENTITY);
    }
    Ok(answer)
}

/// Takes away an `Accept-Encoding` that no encoding of ours satisfies, not even none at all. The request is answered
/// without one (RFC 9110, section 12.5.3, leaves that to the server) instead of refused.
pub(super) fn ignore_unacceptable(request: &mut ServiceRequest) {
    let ours = [Encoding::identity(), Encoding::gzip(), Encoding::deflate()];
    let accepted = request.get_header::<AcceptEncoding>();
    if accepted.is_some_and(|accepted| accepted.negotiate(ours.iter()).is_none()) {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
}

/// Takes the mark of short bodies off, since `identity` should not be sent (RFC 9110, section 8.4.1), and says of every
/// answer with a body that it depends on what the client accepts: also of one that is plain (section 12.5.5). What was
/// compressed gets a tag of its own.
pub(super) fn complete(headers: &mut HeaderMap) {
    if headers.get(CONTENT_ENCODING) == Some(&IDENTITY) {
        headers.remove(CONTENT_ENCODING);
    }
    let coding = headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let encoded = coding.zip(tag).and_then(|(coding, tag)| etag::encoded(tag, coding));
    if let Some(tag) = encoded.and_then(|tag| HeaderValue::try_from(tag).ok()) {
        headers.insert(ETAG, tag);
    }
    let names =
        |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes());
    // An answer of 304 has the tag, and no body.
    let is_of_a_body = headers.contains_key(CONTENT_TYPE) || headers.contains_key(ETAG);
    if is_of_a_body && !headers.get_all(VARY).any(names) {
        headers.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    }
}
