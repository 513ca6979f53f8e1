//! `refresh`.

use super::caller::credentials;
use super::{Caller, Outcome, Refusal};
use crate::realtime::admission::identify;
use crate::realtime::close::CloseReason;
use crate::realtime::protocol::{ErrorCode, Private};

/// Lets the session go on by a fresh token of its user.
pub(super) async fn refresh(caller: &Caller, token: &Private) -> Result<Outcome, Refusal> {
    let auth = &caller.gateway.app().auth;
    let refused = |reason: CloseReason| match reason {
        CloseReason::Internal => Refusal::busy(),
        reason => Refusal::new(ErrorCode::InvalidToken, reason.socket_io()),
    };
    let scope = identify(auth, token, caller.scope.call()).await.map_err(refused)?;
    if scope.user() != caller.scope.user() {
        return Err(Refusal::new(ErrorCode::InvalidToken, "the token is another user's"));
    }
    caller.guard.renew(credentials(&scope, &caller.gateway.session_limits(scope.plan())));
    // A right that ended before the session hung on it was told to nobody: look once more, now that it does.
    if let Err(reason) = identify(auth, token, caller.scope.call()).await {
        caller.wire.close(reason);
        return Err(refused(reason));
    }
    Ok(Outcome::Refreshed(scope))
}
