//! Leaves short answers uncompressed: compressing one costs more than its bytes, and begins with a window of 256 KiB.

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use actix_web::middleware::Next;

/// Bodies from this length on are compressed for clients that accept it, in bytes.
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

/// Takes the mark off: `identity` should not be sent (RFC 9110, section 8.4.1).
pub(super) fn unmark(headers: &mut HeaderMap) {
    if headers.get(CONTENT_ENCODING) == Some(&IDENTITY) {
        headers.remove(CONTENT_ENCODING);
    }
}
