//! The limits of sessions, used by handlers and by the session itself.

use std::time::Duration;

use crate::config::PlanLimits;
use crate::protocol::Limits;

/// What one session may do, and how its token's expiry is handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    /// The limits of the user's plan.
    pub(crate) plan: PlanLimits,
    /// Malformed messages per minute that close the session.
    pub(crate) malformed: u32,
    /// How long before the token expires the client is warned.
    pub(crate) token_warning: Duration,
    /// How long after a token of an outside issuer expired the session is closed; sessions with our own
    /// tokens end on time.
    pub(crate) token_grace: Duration,
}

impl SessionLimits {
    /// As clients see them.
    pub(crate) fn announced(&self) -> Limits {
        let PlanLimits {
            connections,
            messages,
            rooms,
            requests: _,
            simulations,
            simulations_per_day,
            simulation_runs,
            simulation_steps,
            generations,
            messages_per_day,
            plans_per_day,
            generated_characters_per_day,
        } = self.plan;
        Limits {
            connections,
            messages_per_second: messages,
            rooms,
            simulations,
            simulations_per_day,
            simulation_runs,
            simulation_steps,
            generations,
            messages_per_day,
            plans_per_day,
            generated_characters_per_day,
        }
    }
}

/// How much of the log a client is sent at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayLimits {
    /// Maximum number of events.
    pub(crate) events: usize,
    /// Approximate maximum bytes; well below what an outbox takes.
    pub(crate) bytes: usize,
}
