//! What sessions may do, as handlers and the session itself ask for it.

use std::time::Duration;

use crate::config::PlanLimits;

/// What one session may do and how long its token is good for.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// What the user's plan says.
    pub plan: PlanLimits,
    /// Malformed messages in a minute that close the session.
    pub malformed: u32,
    /// How long before its token ends the client is told.
    pub token_warning: Duration,
    /// How long after an outside token ended the session is closed; our own end on time.
    pub token_grace: Duration,
}

/// What a client is sent of the log at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayLimits {
    /// Events.
    pub(crate) events: usize,
    /// Their bytes, roughly: well under what an outbox takes.
    pub(crate) bytes: usize,
}
