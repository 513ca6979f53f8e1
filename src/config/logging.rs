//! Log level and log format.

use super::error::{InvalidSetting, Problem};

/// Log lines, on standard error.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingConfig {
    /// Text, or one JSON object per line
    #[arg(long, env = "SOUK_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// Minimum level, optionally per module: info, or warn,souk::realtime=debug
    #[arg(long, env = "SOUK_LOG_FILTER", value_name = "FILTER", default_value = "info,actix_server=warn")]
    pub(crate) log_filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl LoggingConfig {
    pub(super) fn check(&self, invalid: &mut Vec<InvalidSetting>) {
        // The logger itself would only warn and ignore what it cannot parse.
        let understood = self.log_filter.split(',').map(str::trim).all(|part| {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            let is_module = !part.contains('=') && part.contains("::");
            is_module || level.parse::<log::LevelFilter>().is_ok()
        });
        if !understood {
            invalid.push(InvalidSetting::of("log_filter", Problem::InvalidFilter));
        }
    }
}
