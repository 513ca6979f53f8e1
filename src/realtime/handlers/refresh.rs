//! The `refresh` command.

use crate::protocol::ErrorCode;
use crate::protocol::close::CloseReason;
use crate::realtime::admission::authenticate_token;
use crate::secret::Secret;

use super::session_context::credentials;
use super::{Outcome, Refusal, SessionContext};

/// Continues the session with a new token of the same user.
pub(super) async fn refresh(caller: &SessionContext, token: &Secret<String>) -> Result<Outcome, Refusal> {
    let auth = &caller.gateway.app().auth;
    let refused = |reason: CloseReason| match reason {
        CloseReason::Internal => Refusal::busy(),
        reason => Refusal::new(ErrorCode::InvalidToken, reason.socket_io()),
    };
    let scope = authenticate_token(auth, token, caller.scope.call()).await.map_err(refused)?;
    if scope.impersonator().is_some() {
        return Err(Refusal::new(ErrorCode::InvalidToken, "the token is for looking only, and no login's"));
    }
    if scope.user() != caller.scope.user() {
        return Err(Refusal::new(ErrorCode::InvalidToken, "the token is another user's"));
    }
    caller.registration.renew(credentials(&scope, &caller.gateway.session_limits(scope.plan())));
    // A revocation before `renew` could not find the session by its new token, so the token is checked once
    // more now that the session is registered with it.
    if let Err(reason) = authenticate_token(auth, token, caller.scope.call()).await {
        caller.handle.close(reason);
        return Err(refused(reason));
    }
    Ok(Outcome::Refreshed(scope))
}
