//! The configuration: every setting is a flag and a variable, defined once, read once, and documented where
//! it is defined.
//!
//! [`Settings`] holds the values as given; [`Settings::into_config`] checks them as a whole and yields the
//! effective [`Config`]. Each file here is one section of `souk serve --help`. Of Souk's other modules
//! it uses `secret` only.

pub(crate) mod auth;
pub(crate) mod bus;
pub(crate) mod dashboard;
pub(crate) mod database;
pub(crate) mod environment;
pub(crate) mod generation;
mod hint;
pub(crate) mod http;
pub(crate) mod journal;
mod effective;
pub(crate) mod load_test;
pub(crate) mod logging;
pub(crate) mod metrics;
pub(crate) mod origins;
pub(crate) mod plans;
pub(crate) mod realtime;
pub(crate) mod retention;
pub(crate) mod error;
mod secret;
pub(crate) mod server;
pub(crate) mod signing;
pub(crate) mod value;

pub(crate) use auth::AuthConfig;
pub(crate) use bus::BusConfig;
pub(crate) use dashboard::DashboardConfig;
pub(crate) use database::{DatabaseConfig, DatabaseUrl};
pub(crate) use effective::{EffectiveSetting, SettingSource, effective};
pub(crate) use environment::Environment;
pub(crate) use error::{InvalidSetting, InvalidSettings};
pub(crate) use generation::{Backend, GenerationConfig};
pub(crate) use hint::name_variable;
pub(crate) use http::HttpConfig;
pub(crate) use journal::JournalConfig;
pub(crate) use logging::{LogFormat, LoggingConfig};
pub(crate) use metrics::MetricsConfig;
pub(crate) use origins::OriginsConfig;
pub(crate) use plans::{PlanLimits, PlansConfig};
pub(crate) use realtime::RealtimeConfig;
pub(crate) use retention::{Retention, RetentionConfig};
pub(crate) use server::ServerConfig;
pub(crate) use signing::Signing;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::secret::Secret;

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
    bus: BusConfig,
    #[command(flatten)]
    signing: signing::SigningSettings,
    #[command(flatten)]
    journal: journal::JournalSettings,
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
    dashboard: DashboardConfig,
    #[command(flatten)]
    generation: generation::GenerationSettings,
    #[command(flatten)]
    retention: RetentionConfig,
    #[command(flatten)]
    metrics: metrics::MetricsSettings,
    #[command(flatten)]
    logging: LoggingConfig,
    #[command(flatten)]
    load_test: load_test::LoadTestSettings,
    #[arg(skip)]
    effective: Vec<EffectiveSetting>,
}

/// The effective configuration, checked as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// Development or production.
    pub(crate) env: Environment,
    /// The listening socket, threads and time limits.
    pub(crate) server: ServerConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The bus between servers on one database.
    pub(crate) bus: BusConfig,
    /// The key that signs our own tokens.
    pub(crate) signing: Signing,
    /// The key that seals journals.
    pub(crate) journal: JournalConfig,
    /// Tokens, logins, outside issuers and login throttling.
    pub(crate) auth: AuthConfig,
    /// The web origins that may call.
    pub(crate) origins: OriginsConfig,
    /// Live sessions and the hub.
    pub(crate) realtime: RealtimeConfig,
    /// The limits of each plan.
    pub(crate) plans: PlansConfig,
    /// Limits on HTTP requests.
    pub(crate) http: HttpConfig,
    /// The dashboard, and who may call `/admin`.
    pub(crate) dashboard: DashboardConfig,
    /// The text generator.
    pub generation: GenerationConfig,
    /// How long events and audit rows are kept.
    pub(crate) retention: RetentionConfig,
    /// Access to `/metrics`.
    pub(crate) metrics: MetricsConfig,
    /// Admits synthetic users of load tests; `None` refuses them.
    pub(crate) load_test_secret: Option<Secret<String>>,
    /// Every setting with its value, secrets masked, and where it came from.
    pub(crate) effective: Vec<EffectiveSetting>,
}

/// What the check parsed along the way.
struct Checked {
    signing: signing::Choice,
    journal: JournalConfig,
    generation: GenerationConfig,
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
    /// The settings from `flags` and the environment, for programs that embed Souk.
    pub fn given<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, clap::Error> {
        let line = std::iter::once("souk").chain(flags);
        let command = Flags::command();
        let matches = command.clone().try_get_matches_from(line)?;
        let flags = Flags::from_arg_matches(&matches)?;
        Ok(flags.settings.with_effective(effective(&command, &matches)))
    }

    /// The same settings with what [`effective()`] says of them, which `GET /admin/settings` shows.
    pub(crate) fn with_effective(self, effective: Vec<EffectiveSetting>) -> Self {
        Self { effective, ..self }
    }

    /// The logging section, which is needed before the rest is checked.
    pub(crate) fn logging(&self) -> &LoggingConfig {
        &self.logging
    }

    /// The database section, for commands that need nothing else.
    pub(crate) fn database(&self) -> &DatabaseConfig {
        &self.database
    }

    /// Whether the environment is production.
    pub(crate) fn is_production(&self) -> bool {
        self.environment.env == Environment::Production
    }

    /// The same settings with another database.
    pub(crate) fn with_database(mut self, url: DatabaseUrl) -> Self {
        let is_database = |setting: &&mut EffectiveSetting| setting.variable == "DATABASE_URL";
        if let Some(setting) = self.effective.iter_mut().find(is_database) {
            setting.value = url.to_string();
        }
        self.database.database_url = url;
        self
    }

    /// The journal key, if it is given or kept beside the database. Makes none, for commands that only look.
    pub(crate) fn known_journal_key(&self) -> Result<Option<journal::JournalKey>, InvalidSettings> {
        let known = self.journal.known(self.environment.env, &self.database.database_url);
        known.map_err(|setting| InvalidSettings(vec![setting]))
    }

    /// Checks the settings as a whole and reads the files that they name, but writes nothing: development
    /// secrets that do not exist yet are generated and not stored.
    pub fn check(self) -> Result<Config, InvalidSettings> {
        self.settle(signing::Choice::try_out)
    }

    /// Checks the settings as a whole. In development, a missing token secret is generated and stored; a
    /// missing journal key, only where journals are opened.
    pub fn into_config(self) -> Result<Config, InvalidSettings> {
        self.settle(signing::Choice::settle)
    }

    fn settle(
        self,
        key: impl Fn(signing::Choice) -> Result<Signing, InvalidSetting>,
    ) -> Result<Config, InvalidSettings> {
        let Checked { signing, journal, generation, metrics, load_test_secret } = self.checked()?;
        let signing = key(signing).map_err(|setting| InvalidSettings(vec![setting]))?;
        Ok(Config {
            env: self.environment.env,
            server: self.server,
            database: self.database,
            bus: self.bus,
            signing,
            journal,
            auth: self.auth,
            origins: self.origins,
            realtime: self.realtime,
            plans: self.plans,
            http: self.http,
            dashboard: self.dashboard,
            generation,
            retention: self.retention,
            metrics,
            load_test_secret,
            effective: self.effective,
        })
    }

    fn checked(&self) -> Result<Checked, InvalidSettings> {
        let env = self.environment.env;
        let mut invalid = Vec::new();
        let signing = self.signing.check(env, &self.database.database_url);
        let journal = self.journal.check(env, &self.database.database_url);
        let load_test_secret = self.load_test.check(env);
        let metrics = self.metrics.check(env);
        self.bus.check(&self.database.database_url, &mut invalid);
        self.auth.check(&mut invalid);
        self.origins.check(env, &mut invalid);
        self.realtime.check(&mut invalid);
        let generation = self.generation.check(&mut invalid);
        self.logging.check(&mut invalid);
        match (signing, journal, generation, metrics, load_test_secret) {
            (Ok(signing), Ok(journal), Some(generation), Ok(metrics), Ok(load_test_secret))
                if invalid.is_empty() =>
            {
                Ok(Checked { signing, journal, generation, metrics, load_test_secret })
            }
            (signing, journal, _, metrics, load_test_secret) => {
                invalid.extend(signing.err());
                invalid.extend(journal.err());
                invalid.extend(metrics.err());
                invalid.extend(load_test_secret.err());
                Err(InvalidSettings(invalid))
            }
        }
    }
}

impl Config {
    /// Whether a web page of this origin may call: REST by CORS, and live connections in their handshake.
    ///
    /// In development, loopback origins are allowed on any port: local front ends run there, and no remote
    /// page can have such an origin. In production only the configured list counts.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        let is_at_home = self.env == Environment::Development && origins::is_loopback(origin);
        is_at_home || self.origins.allows(origin)
    }
}

#[cfg(test)]
mod tests;
