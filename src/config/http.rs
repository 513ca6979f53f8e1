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

    /// Maximum items in one page of a list; the default is 20, or this if it is lower
    #[arg(
        long, env = "SOUK_PAGE_MAX", value_name = "COUNT", default_value = "100",
        value_parser = count::<u16>
    )]
    pub(crate) page_max: u16,

    /// Requests per minute of one address without a token
    #[arg(
        long, env = "SOUK_ANONYMOUS_REQUESTS", value_name = "COUNT", default_value = "6000",
        value_parser = count::<u32>
    )]
    pub(crate) anonymous_requests: u32,

    /// How long the response to an Idempotency-Key is stored
    #[arg(
        long, env = "SOUK_IDEMPOTENCY_TTL", value_name = "DURATION", default_value = "24h",
        value_parser = duration
    )]
    pub(crate) idempotency_ttl: Duration,
}
