//! `refresh`.

use crate::protocol::close::CloseReason;
use crate::protocol::{ErrorCode, Private};
use crate::realtime::admission::authenticate_token;

use super::caller::credentials;
use super::{Caller, Outcome, Refusal};

/// Lets the session go on by a fresh token of its user.
pub(super) async fn refresh(caller: &Caller, token: &Private) -> Result<Outcome, Refusal> {
    let auth = &caller.gateway.app().auth;
    let refused = |reason: CloseReason| match reason {
        CloseReason::Internal => Refusal::busy(),
        reason => Refusal::new(ErrorCode::InvalidToken, reason.socket_io()),
    };
    let scope = authenticate_token(auth, token, caller.scope.call()).await.map_err(refused)?;
    if scope.user() != caller.scope.user() {
        return Err(Refusal::new(ErrorCode::InvalidToken, "the token is another user's"));
    }
    caller.registration.renew(credentials(&scope, &caller.gateway.session_limits(scope.plan())));
    // A right that ended before the session hung on it was told to nobody: look once more, now that it does.
    if let Err(reason) = authenticate_token(auth, token, caller.scope.call()).await {
        caller.handle.close(reason);
        return Err(refused(reason));
    }
    Ok(Outcome::Refreshed(scope))
}
