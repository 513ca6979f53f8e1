//! The configuration: every setting is a flag and a variable, defined once, read once, documented where it
//! is defined.
//!
//! [`Settings`] is what was given; [`Settings::into_config`] checks it as a whole and yields the [`Config`]
//! in force.
//! Each file here is one section of `souk serve --help`. Nothing else of Souk may be used here.

pub mod auth;
pub mod database;
pub mod environment;
mod hint;
pub mod http;
mod effective;
pub mod load_test;
pub mod logging;
pub mod metrics;
pub mod origins;
pub mod plans;
pub mod realtime;
pub mod error;
pub mod secret;
pub mod server;
pub mod signing;
pub mod value;

pub use auth::AuthConfig;
pub use database::{DatabaseConfig, DatabaseUrl};
pub use effective::effective;
pub use environment::Environment;
pub use error::{Refusal, Refusals};
pub use hint::name_variable;
pub use http::HttpConfig;
pub use logging::{LogFormat, LoggingConfig};
pub use metrics::MetricsConfig;
pub use origins::{Origin, OriginsConfig};
pub use plans::{PlanLimits, PlansConfig};
pub use realtime::RealtimeConfig;
pub use secret::Secret;
pub use server::ServerConfig;
pub use signing::{JwtAlgorithm, Signing};

/// The settings as given, by flag or variable: each parsed by itself, not yet checked against each other.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    environment: environment::EnvironmentSettings,
    #[command(flatten)]
    server: ServerConfig,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    signing: signing::SigningSettings,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    origins: OriginsConfig,
    #[command(flatten)]
    realtime: RealtimeConfig,
    #[command(flatten)]
    plans: PlansConfig,
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    metrics: metrics::MetricsSettings,
    #[command(flatten)]
    logging: LoggingConfig,
    #[command(flatten)]
    load_test: load_test::LoadTestSettings,
}

/// The configuration in force, checked as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// Development or production.
    pub env: Environment,
    /// The listening socket, threads and time limits.
    pub server: ServerConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The key of our own tokens.
    pub signing: Signing,
    /// Tokens, logins, outside issuers, throttles.
    pub auth: AuthConfig,
    /// The web pages that may call.
    pub origins: OriginsConfig,
    /// Live sessions and the hub.
    pub realtime: RealtimeConfig,
    /// What each plan may use.
    pub plans: PlansConfig,
    /// HTTP requests.
    pub http: HttpConfig,
    /// Who may read the metrics.
    pub metrics: MetricsConfig,
    /// Log lines.
    pub logging: LoggingConfig,
    /// What admits synthetic users, if anything does.
    pub load_test_secret: Option<Secret<String>>,
}

/// What checking found out, besides that all is well.
struct Checked {
    signing: signing::Choice,
    metrics: MetricsConfig,
    load_test_secret: Option<Secret<String>>,
}

/// A command line of nothing but settings.
#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

impl Settings {
    /// The settings that `flags` and the environment give: for whoever starts Souk from its own code.
    pub fn given<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, clap::Error> {
        let line = std::iter::once("souk").chain(flags);
        <Flags as clap::Parser>::try_parse_from(line).map(|flags| flags.settings)
    }

    /// The logging section, which is needed before the rest is checked.
    pub fn logging(&self) -> &LoggingConfig {
        &self.logging
    }

    /// Where the data is: what commands that need no more than that use.
    pub fn database(&self) -> &DatabaseConfig {
        &self.database
    }

    /// Whether this is where it matters.
    pub fn is_production(&self) -> bool {
        self.environment.env == Environment::Production
    }

    /// The same with another database.
    pub fn with_database(mut self, url: DatabaseUrl) -> Self {
        self.database.database_url = url;
        self
    }

    /// The configuration that would be in force: checked as a whole, with the files that it names read, and nothing
    /// written. A development secret that does not exist yet is made up, and forgotten.
    pub fn check(self) -> Result<Config, Refusals> {
        self.settle(signing::Choice::try_out)
    }

    /// The configuration in force: checked, and in development with a token secret that is made if there is none.
    pub fn into_config(self) -> Result<Config, Refusals> {
        self.settle(signing::Choice::settle)
    }

    fn settle(self, key: impl Fn(signing::Choice) -> Result<Signing, Refusal>) -> Result<Config, Refusals> {
        let Checked { signing, metrics, load_test_secret } = self.checked()?;
        let signing = key(signing).map_err(|refusal| Refusals(vec![refusal]))?;
        Ok(Config {
            env: self.environment.env,
            server: self.server,
            database: self.database,
            signing,
            auth: self.auth,
            origins: self.origins,
            realtime: self.realtime,
            plans: self.plans,
            http: self.http,
            metrics,
            logging: self.logging,
            load_test_secret,
        })
    }

    fn checked(&self) -> Result<Checked, Refusals> {
        let env = self.environment.env;
        let mut refusals = Vec::new();
        let signing = self.signing.check(env, &self.database.database_url);
        let load_test_secret = self.load_test.check(env);
        let metrics = self.metrics.check(env);
        self.auth.check(&mut refusals);
        self.origins.check(env, &mut refusals);
        self.realtime.check(&mut refusals);
        self.logging.check(&mut refusals);
        match (signing, metrics, load_test_secret) {
            (Ok(signing), Ok(metrics), Ok(load_test_secret)) if refusals.is_empty() => {
                Ok(Checked { signing, metrics, load_test_secret })
            }
            (signing, metrics, load_test_secret) => {
                refusals.extend(signing.err());
                refusals.extend(metrics.err());
                refusals.extend(load_test_secret.err());
                Err(Refusals(refusals))
            }
        }
    }
}

impl Config {
    /// Whether a web page of this origin may call: REST by CORS, and live connections by their handshake.
    ///
    /// In development pages of the same machine may, on any port: that is where a newcomer's page comes from, and no
    /// page from elsewhere can claim such an origin. In production the list is all there is.
    pub fn allows_origin(&self, origin: &str) -> bool {
        let is_at_home = self.env == Environment::Development && origins::is_loopback(origin);
        is_at_home || self.origins.allows(origin)
    }
}

#[cfg(test)]
mod tests;
