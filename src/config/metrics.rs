//! Access to `/metrics`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::Refusal;
use super::secret;
use super::signing::{given, strong_enough};
use crate::secret::Secret;

/// How `/metrics` is kept from strangers, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsSettings {
    /// Address and port of its own for /metrics, which the main port answers with 404 then; port 0 takes a free one.
    /// Unless given, /metrics is on the main port
    #[arg(long, env = "SOUK_METRICS_BIND", value_name = "ADDRESS:PORT")]
    pub metrics_bind: Option<SocketAddr>,

    /// Token that /metrics asks for (Authorization: Bearer), at least 32 bytes; without one, whoever reaches the port
    /// may read them
    #[arg(
        long, env = "SOUK_METRICS_TOKEN", value_name = "SECRET", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "metrics_token_file"
    )]
    pub metrics_token: Option<Secret<String>>,

    /// File that holds the token for /metrics
    #[arg(long, env = "SOUK_METRICS_TOKEN_FILE", value_name = "PATH")]
    pub metrics_token_file: Option<PathBuf>,
}

/// Access to `/metrics`, checked.
#[derive(Debug, Clone)]
pub struct MetricsConfig {
    /// The address that serves the metrics instead of the main port.
    pub bind: Option<SocketAddr>,
    /// The bearer token that a reader must present.
    pub token: Option<Secret<String>>,
}

impl MetricsConfig {
    /// Whether anybody who reaches the main port may read the metrics.
    pub fn is_open(&self) -> bool {
        self.bind.is_none() && self.token.is_none()
    }
}

impl MetricsSettings {
    pub(super) fn check(&self, env: Environment) -> Result<MetricsConfig, Refusal> {
        let given =
            given("metrics_token", &self.metrics_token, "metrics_token_file", &self.metrics_token_file)?;
        if let Some((setting, token)) = &given {
            strong_enough(setting, token, env)?;
        }
        Ok(MetricsConfig { bind: self.metrics_bind, token: given.map(|(_, token)| token) })
    }
}
