//! The bus between servers on one database.

use super::database::DatabaseUrl;
use super::error::{InvalidSetting, Problem};
use super::secret::secret;
use crate::secret::Secret;

/// The bus between servers on one database.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Several servers")]
pub(crate) struct BusConfig {
    /// Redis, by which servers on one PostgreSQL database hear of each other earlier: redis://, rediss:// or unix://
    ///
    /// Events, ended rights, typing, signals and what people look at on boards go over it, texts of messages
    /// included. Without it servers hear of stored things 0.1 s later, and of what is not stored not at all.
    #[arg(long, env = "REDIS_URL", value_name = "URL", value_parser = secret, hide_env_values = true)]
    pub(crate) redis_url: Option<Secret<String>>,
}

impl BusConfig {
    pub(super) fn check(&self, database: &DatabaseUrl, invalid: &mut Vec<InvalidSetting>) {
        let Some(url) = &self.redis_url else { return };
        let is_redis =
            ["redis://", "rediss://", "unix://"].iter().any(|scheme| url.expose().starts_with(scheme));
        if database.sqlite_path().is_some() {
            invalid.push(InvalidSetting::of("redis_url", Problem::NeedsPostgres));
        } else if !is_redis {
            invalid.push(InvalidSetting::of("redis_url", Problem::NoRedis));
        }
    }
}
