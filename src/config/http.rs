//! Limits on HTTP requests.

use std::time::Duration;

use super::value::{count, duration, size};

/// Sizes, pages and rates of HTTP requests.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpConfig {
    /// Largest request body; a larger one gets 413
    #[arg(long, env = "SOUK_BODY_MAX", value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    pub(crate) body_max: usize,

    /// Most items that a client may ask for in one page of a list; 20 are given where it asks for none, or these if fewer
    #[arg(
        long, env = "SOUK_PAGE_MAX", value_name = "COUNT", default_value = "100",
        value_parser = count::<u16>
    )]
    pub(crate) page_max: u16,

    /// Requests a minute of one address without a token
    #[arg(
        long, env = "SOUK_ANONYMOUS_REQUESTS", value_name = "COUNT", default_value = "6000",
        value_parser = count::<u32>
    )]
    pub(crate) anonymous_requests: u32,

    /// How long the answer to an Idempotency-Key is kept
    #[arg(
        long, env = "SOUK_IDEMPOTENCY_TTL", value_name = "DURATION", default_value = "24h",
        value_parser = duration
    )]
    pub(crate) idempotency_ttl: Duration,
}
