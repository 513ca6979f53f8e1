//! `whoami`.

use crate::protocol::{AckBody, Whoami};

use super::{Caller, Outcome};

/// Who the caller is by its newest token, and what its plan allows: what a client asks after an in-band `refresh`, or
/// to see what a token is good for.
pub(super) fn answer(caller: &Caller) -> Outcome {
    let scope = &caller.scope;
    Outcome::Answer(AckBody::Whoami(Box::new(Whoami {
        session_id: caller.connection(),
        user_id: scope.user(),
        user_email: scope.email().into(),
        role: scope.role().as_str(),
        plan: scope.plan().as_str(),
        limits: caller.gateway.session_limits(scope.plan()).announced(),
        expires_at: scope.expires_at(),
    })))
}
