//! Development or production: how strictly the rest of the configuration is checked.

/// Which of the two this is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EnvironmentSettings {
    /// production refuses weak or missing secrets, test switches and plain-text origins
    #[arg(long, env = "SOUK_ENV", value_name = "ENVIRONMENT", value_enum, default_value = "development")]
    pub(crate) env: Environment,
}

/// Where the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Environment {
    /// For local work: a missing secret is generated.
    Development,
    /// For real users: a missing or weak secret keeps the server from starting.
    Production,
}
