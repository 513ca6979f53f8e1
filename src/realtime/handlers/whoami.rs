//! `whoami`.

use crate::protocol::{AckBody, Whoami};

use super::{Outcome, SessionContext};

/// The caller's identity by its newest token, and the limits of its plan. Clients ask for it after an in-band
/// `refresh`, since the new token may come with another plan.
pub(super) fn answer(caller: &SessionContext) -> Outcome {
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
