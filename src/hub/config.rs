//! The hub's queue sizes and timeouts.

use std::time::Duration;

use super::OutboxLimits;
use crate::config::RealtimeConfig;

/// The hub's bounds and timeouts. The defaults are those of the design.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Messages that may wait in the RoomHub's mailbox. When it is full, commands are answered with `busy`,
    /// and committed events are caught up from the log.
    pub mailbox: usize,
    /// How much may wait for one client, in bytes.
    pub outbox: OutboxLimits,
    /// How long a client above the soft limit may drain nothing before it is evicted as a slow consumer.
    pub slow_consumer_grace: Duration,
    /// Interval between two pings of a session.
    pub heartbeat_interval: Duration,
    /// A session from which nothing was received for this long is evicted.
    pub heartbeat_timeout: Duration,
    /// Live events that are buffered for a joining member while its session reads the log.
    pub join_buffer: usize,
    /// How long an event that arrived out of order waits for its predecessor before that is read from the
    /// log.
    pub gap_timeout: Duration,
    /// How long an evicted session may take to close by itself before its socket is shut down.
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
