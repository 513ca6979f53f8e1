//! Errors of [`crate::auth`] as problem documents. They do not reveal why a token or a password was refused.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::auth::{AuthError, NoTicket, SignInError};
use crate::http::Problem;

/// The challenge for a call without a token (RFC 6750, section 3).
const CHALLENGE: &str = "Bearer realm=\"souk\"";
/// The challenge for a call with an invalid token.
const INVALID_TOKEN: &str = "Bearer realm=\"souk\", error=\"invalid_token\"";

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::unauthorized(CHALLENGE, "this address needs a bearer token"),
            AuthError::Invalid(_)
            | AuthError::Expired
            | AuthError::NoSubject
            | AuthError::UnknownOrInactive => Self::unauthorized(INVALID_TOKEN, "the token is not valid"),
            AuthError::Unavailable { retry_after } => overloaded(retry_after).during_outage(),
            AuthError::Overloaded { retry_after } => overloaded(retry_after),
            // Logged where it was detected.
            AuthError::Internal(_) => internal(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => Self::unauthorized(CHALLENGE, "the credentials are not valid"),
            SignInError::Domain(error) => error.into(),
            SignInError::Internal(why) => {
                log::error!("signing in failed: {why}");
                internal()
            }
        }
    }
}

impl From<NoTicket> for Problem {
    fn from(error: NoTicket) -> Self {
        match error {
            NoTicket::Overloaded => overloaded(Duration::from_secs(5)),
            NoTicket::Db(error) => error.into(),
            NoTicket::NoRandomness => {
                log::error!("no ticket: {error}");
                internal()
            }
        }
    }
}

fn overloaded(retry_after: Duration) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too much is going on; try again")
        .retry_after(retry_after)
}

fn internal() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault; it has been logged")
}
