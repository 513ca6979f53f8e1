//! Limits on live sessions, and the hub's queue sizes and timeouts.

use std::time::Duration;

use super::error::{InvalidSetting, Problem};
use super::value::{count, duration, size};

/// Sizes, counts and times of live sessions.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Realtime")]
pub(crate) struct RealtimeConfig {
    /// Largest WebSocket frame that a client may send
    #[arg(long, env = "SOUK_FRAME_MAX", value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    pub(crate) frame_max: usize,

    /// Largest message that a client may send, all fragments together
    #[arg(long, env = "SOUK_MESSAGE_MAX", value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    pub(crate) message_max: usize,

    /// Fragments of one message
    #[arg(
        long, env = "SOUK_FRAGMENTS_MAX", value_name = "COUNT", default_value = "128",
        value_parser = count::<usize>
    )]
    pub(crate) fragments_max: usize,

    /// Malformed messages per minute at which the session is closed
    #[arg(
        long, env = "SOUK_MALFORMED_PER_MINUTE", value_name = "COUNT", default_value = "20",
        value_parser = count::<u32>
    )]
    pub(crate) malformed_per_minute: u32,

    /// Unauthenticated connections of one address; more get 429
    #[arg(
        long, env = "SOUK_UNAUTHENTICATED_PER_ADDRESS", value_name = "COUNT", default_value = "50",
        value_parser = count::<usize>
    )]
    pub(crate) unauthenticated_per_address: usize,

    /// Live sessions of one address
    #[arg(
        long, env = "SOUK_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value = "1000",
        value_parser = count::<usize>
    )]
    pub(crate) connections_per_address: usize,

    /// How often a session is pinged
    #[arg(
        long, env = "SOUK_HEARTBEAT_INTERVAL", value_name = "DURATION", default_value = "25s",
        value_parser = duration
    )]
    pub(crate) heartbeat_interval: Duration,

    /// A session from which nothing was received for this long is closed
    #[arg(
        long, env = "SOUK_HEARTBEAT_TIMEOUT", value_name = "DURATION", default_value = "60s",
        value_parser = duration
    )]
    pub(crate) heartbeat_timeout: Duration,

    /// How long a Socket.IO client may take to answer a ping; pings are sent at the heartbeat interval
    #[arg(
        long, env = "SOUK_PING_TIMEOUT", value_name = "DURATION", default_value = "20s",
        value_parser = duration
    )]
    pub(crate) ping_timeout: Duration,

    /// Largest request body of a polling Socket.IO client, announced to it as maxPayload
    #[arg(
        long, env = "SOUK_PAYLOAD_MAX", value_name = "SIZE", default_value = "512KiB", value_parser = size
    )]
    pub(crate) payload_max: usize,

    /// Packets in one such request body
    #[arg(
        long, env = "SOUK_PACKETS_MAX", value_name = "COUNT", default_value = "512",
        value_parser = count::<usize>
    )]
    pub(crate) packets_max: usize,

    /// Binary attachments of one Socket.IO packet
    #[arg(
        long, env = "SOUK_ATTACHMENTS_MAX", value_name = "COUNT", default_value = "10",
        value_parser = count::<usize>
    )]
    pub(crate) attachments_max: usize,

    /// Bytes queued for a client above which it counts as slow
    #[arg(
        long, env = "SOUK_OUTBOX_SOFT", value_name = "SIZE", default_value = "256KiB", value_parser = size
    )]
    pub(crate) outbox_soft: usize,

    /// Bytes queued for a client above which it is closed at once
    #[arg(long, env = "SOUK_OUTBOX_HARD", value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    pub(crate) outbox_hard: usize,

    /// How long a client above the soft limit may read nothing
    #[arg(
        long, env = "SOUK_SLOW_CONSUMER_GRACE", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) slow_consumer_grace: Duration,

    /// How long sent data may stay unacknowledged before the TCP connection is closed
    #[arg(
        long, env = "SOUK_TCP_USER_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = duration
    )]
    pub(crate) tcp_user_timeout: Duration,

    /// The kernel's send buffer per connection
    #[arg(
        long, env = "SOUK_SOCKET_SEND_BUFFER", value_name = "SIZE", default_value = "256KiB",
        value_parser = size
    )]
    pub(crate) socket_send_buffer: usize,

    /// Messages that may be queued for the hub; beyond it commands are answered busy, and events are read from the log
    #[arg(
        long, env = "SOUK_HUB_MAILBOX", value_name = "COUNT", default_value = "8192",
        value_parser = count::<usize>
    )]
    pub(crate) hub_mailbox: usize,

    /// Live events buffered for a joining member while it reads the log
    #[arg(
        long, env = "SOUK_JOIN_BUFFER", value_name = "COUNT", default_value = "1024",
        value_parser = count::<usize>
    )]
    pub(crate) join_buffer: usize,

    /// Missed events that a join replays; beyond it the answer has recovered: false
    #[arg(
        long, env = "SOUK_REPLAY_MAX", value_name = "COUNT", default_value = "1000",
        value_parser = count::<usize>
    )]
    pub(crate) replay_max: usize,

    /// Events in one page of a room's history
    #[arg(
        long, env = "SOUK_HISTORY_MAX", value_name = "COUNT", default_value = "100",
        value_parser = count::<usize>
    )]
    pub(crate) history_max: usize,

    /// How long an event that arrived out of order waits for the missing one, which is then read from the log
    #[arg(
        long, env = "SOUK_GAP_TIMEOUT", value_name = "DURATION", default_value = "50ms",
        value_parser = duration
    )]
    pub(crate) gap_timeout: Duration,

    /// How long before its token expires a session is warned
    #[arg(
        long, env = "SOUK_TOKEN_WARNING", value_name = "DURATION", default_value = "60s",
        value_parser = duration
    )]
    pub(crate) token_warning: Duration,

    /// How long after its token expired a session is closed
    #[arg(
        long, env = "SOUK_TOKEN_GRACE", value_name = "DURATION", default_value = "10s",
        value_parser = duration
    )]
    pub(crate) token_grace: Duration,

    /// How long an evicted session may take to close, before its socket is shut down
    #[arg(
        long, env = "SOUK_EVICTION_GRACE", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) eviction_grace: Duration,

    /// Sessions closed together when the server stops
    #[arg(
        long, env = "SOUK_STOP_BATCH", value_name = "COUNT", default_value = "100",
        value_parser = count::<usize>
    )]
    pub(crate) stop_batch: usize,

    /// Pause between two such batches
    #[arg(
        long, env = "SOUK_STOP_PAUSE", value_name = "DURATION", default_value = "20ms",
        value_parser = duration
    )]
    pub(crate) stop_pause: Duration,

    /// Maximum reconnect delay given to clients when the server stops; each gets a random part of it
    #[arg(
        long, env = "SOUK_RECONNECT_JITTER", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) reconnect_jitter: Duration,
}

impl RealtimeConfig {
    pub(super) fn check(&self, invalid: &mut Vec<InvalidSetting>) {
        if self.heartbeat_interval >= self.heartbeat_timeout {
            invalid.push(InvalidSetting::of("heartbeat_interval", Problem::Under("--heartbeat-timeout")));
        }
        if self.outbox_soft > self.outbox_hard {
            invalid.push(InvalidSetting::of("outbox_soft", Problem::NotOver("--outbox-hard")));
        }
        if self.frame_max > self.message_max {
            invalid.push(InvalidSetting::of("frame_max", Problem::NotOver("--message-max")));
        }
    }
}
