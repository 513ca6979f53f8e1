//! The error responses of Engine.IO's HTTP requests, with the codes that clients know.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestError {
    TransportUnknown,
    SessionUnknown,
    HandshakeMethod,
    BadRequest,
    Version,
    TooLarge,
}

impl RequestError {
    pub(super) fn into_response(self) -> HttpResponse {
        let (status, code, message) = match self {
            Self::TransportUnknown => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::SessionUnknown => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::HandshakeMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::Version => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
        };
        HttpResponse::build(status).json(serde_json::json!({ "code": code, "message": message }))
    }
}
