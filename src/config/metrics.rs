//! Access to `/metrics`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::InvalidSetting;
use super::secret;
use super::signing::{given, strong_enough};
use crate::secret::Secret;

/// How `/metrics` is kept from strangers, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct MetricsSettings {
    /// Separate address and port for /metrics, which then is 404 on the main port; port 0 chooses a free one. By default,
    /// /metrics is on the main port
    #[arg(long, env = "SOUK_METRICS_BIND", value_name = "ADDRESS:PORT")]
    pub(crate) metrics_bind: Option<SocketAddr>,

    /// Token that /metrics requires (Authorization: Bearer), at least 32 bytes; without it, every client that reaches
    /// the port may read the metrics
    #[arg(
        long, env = "SOUK_METRICS_TOKEN", value_name = "SECRET", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "metrics_token_file"
    )]
    pub(crate) metrics_token: Option<Secret<String>>,

    /// File that holds the token for /metrics
    #[arg(long, env = "SOUK_METRICS_TOKEN_FILE", value_name = "PATH")]
    pub(crate) metrics_token_file: Option<PathBuf>,
}

/// Access to `/metrics`, checked.
#[derive(Debug, Clone)]
pub(crate) struct MetricsConfig {
    /// The address that serves the metrics instead of the main port.
    pub(crate) bind: Option<SocketAddr>,
    /// The bearer token that a reader must present.
    pub(crate) token: Option<Secret<String>>,
}

impl MetricsConfig {
    /// Whether anybody who reaches the main port may read the metrics.
    pub(crate) fn is_open(&self) -> bool {
        self.bind.is_none() && self.token.is_none()
    }
}

impl MetricsSettings {
    pub(super) fn check(&self, env: Environment) -> Result<MetricsConfig, InvalidSetting> {
        let given =
            given("metrics_token", &self.metrics_token, "metrics_token_file", &self.metrics_token_file)?;
        if let Some((setting, token)) = &given {
            strong_enough(setting, token, env)?;
        }
        Ok(MetricsConfig { bind: self.metrics_bind, token: given.map(|(_, token)| token) })
    }
}
