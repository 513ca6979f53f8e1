//! Which web pages may read our answers (the Fetch standard's CORS protocol).

use actix_cors::Cors;
use actix_web::http::{Method, header};

use crate::config::OriginsConfig;

/// The answers' headers that a page's script may read, besides the few that it always may.
const READABLE: [&str; 9] = [
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-Id",
    "Idempotency-Replayed",
    "WWW-Authenticate",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
];

/// Lets the pages of the allow-list call us. Without credentials: tokens travel in a header, never in a cookie, so
/// there is nothing that a browser would add by itself.
pub fn cors(origins: &OriginsConfig) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
        ])
        .allowed_headers(["Idempotency-Key", "X-Request-Id"])
        .expose_headers(READABLE)
        .max_age(3600);
    origins.allowed_origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin.as_str()))
}
