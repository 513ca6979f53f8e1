//! The listening address, worker threads and connection timeouts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::value::{count, duration};

/// The listening socket, the worker threads and the time limits that every connection is under.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerConfig {
    /// Address and port to listen on; port 0 chooses a free one
    #[arg(long, env = "SOUK_BIND", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    pub(crate) bind: SocketAddr,

    /// Worker threads, each with an event loop; by default one per core
    #[arg(
        long, env = "SOUK_WORKERS", value_name = "COUNT", default_value_t = cores(),
        value_parser = count::<usize>
    )]
    pub(crate) workers: usize,

    /// Open connections per worker thread; what comes on further ones is answered 503
    #[arg(
        long, env = "SOUK_MAX_CONNECTIONS", value_name = "COUNT", default_value = "25000",
        value_parser = count::<usize>
    )]
    pub(crate) max_connections: usize,

    /// Time to send a complete request head, from the start of the connection or the head's first byte; also for a handshake
    #[arg(
        long, env = "SOUK_HANDSHAKE_TIMEOUT", value_name = "DURATION", default_value = "10s",
        value_parser = duration
    )]
    pub(crate) handshake_timeout: Duration,

    /// Time to send a complete request body after its head, even if the body is not read
    #[arg(
        long, env = "SOUK_BODY_TIMEOUT", value_name = "DURATION", default_value = "20s",
        value_parser = duration
    )]
    pub(crate) body_timeout: Duration,

    /// How long an idle HTTP connection stays open for its next request
    #[arg(
        long, env = "SOUK_KEEP_ALIVE", value_name = "DURATION", default_value = "75s",
        value_parser = duration
    )]
    pub(crate) keep_alive: Duration,

    /// How long a client may read nothing of a response before its connection is closed
    #[arg(
        long, env = "SOUK_WRITE_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = duration
    )]
    pub(crate) write_timeout: Duration,

    /// Time from SIGTERM to exit, in which sessions are closed and writes committed
    #[arg(
        long, env = "SOUK_STOP_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = duration
    )]
    pub(crate) stop_timeout: Duration,

    /// Interval at which overdue items are expired and outdated ones deleted
    #[arg(
        long, env = "SOUK_SWEEP_INTERVAL", value_name = "DURATION", default_value = "15s",
        value_parser = duration
    )]
    pub(crate) sweep_interval: Duration,

    /// Threads that compute simulations, beside the event loops; 0 leaves them waiting for another server
    #[arg(
        long, env = "SOUK_SIMULATION_THREADS", value_name = "COUNT", default_value = "1",
        value_parser = clap::value_parser!(u8).range(0..=64)
    )]
    pub(crate) simulation_threads: u8,

    /// Proxies (comma-separated addresses) whose X-Forwarded-For is trusted; none by default
    #[arg(long, env = "SOUK_TRUSTED_PROXIES", value_name = "ADDRESS,..", value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
