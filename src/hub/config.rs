//! What the hub's queues and clocks are set to.

use std::time::Duration;

use super::OutboxLimits;
use crate::config::RealtimeConfig;

/// The hub's bounds and times. The defaults are what the design asks for.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Messages that may wait for an actor of the hub. Past it a command is answered busy, and commits catch up from
    /// the log.
    pub mailbox: usize,
    /// How much may wait for one client.
    pub outbox: OutboxLimits,
    /// How long a client may take nothing while past the soft limit.
    pub slow_consumer_grace: Duration,
    /// How often a session is pinged.
    pub heartbeat_interval: Duration,
    /// A session that was silent for this long is dead.
    pub heartbeat_timeout: Duration,
    /// Live events that wait for a joining member while it reads the log.
    pub join_buffer: usize,
    /// How long an event that came early waits for the one before it, before that is read from the log.
    pub gap_timeout: Duration,
    /// How long an evicted session may take to leave by itself, before its socket is shut.
    pub eviction_grace: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            mailbox: 8_192,
            outbox: OutboxLimits { soft: 256 * 1024, hard: 1024 * 1024 },
            slow_consumer_grace: Duration::from_secs(5),
            heartbeat_interval: Duration::from_secs(25),
            heartbeat_timeout: Duration::from_secs(60),
            join_buffer: 1_024,
            gap_timeout: Duration::from_millis(50),
            eviction_grace: Duration::from_secs(5),
        }
    }
}

impl From<&RealtimeConfig> for HubConfig {
    fn from(config: &RealtimeConfig) -> Self {
        Self {
            mailbox: config.hub_mailbox,
            outbox: OutboxLimits { soft: config.outbox_soft, hard: config.outbox_hard },
            slow_consumer_grace: config.slow_consumer_grace,
            heartbeat_interval: config.heartbeat_interval,
            heartbeat_timeout: config.heartbeat_timeout,
            join_buffer: config.join_buffer,
            gap_timeout: config.gap_timeout,
            eviction_grace: config.eviction_grace,
        }
    }
}
