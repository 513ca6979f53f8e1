//! The load-test secret; without one, load tests are refused.

use std::path::PathBuf;

use super::environment::Environment;
use super::error::{InvalidSetting, Problem};
use super::secret;
use super::signing::{given, strong_enough};
use crate::secret::Secret;

/// How the load-test secret is given, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Load tests")]
pub(crate) struct LoadTestSettings {
    /// Admits synthetic users to rooms loadtest:*; at least 32 bytes; refused in production
    #[arg(
        long, env = "SOUK_LOAD_TEST_SECRET", value_name = "SECRET", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "load_test_secret_file"
    )]
    pub(crate) load_test_secret: Option<Secret<String>>,

    /// File that holds the load-test secret
    #[arg(long, env = "SOUK_LOAD_TEST_SECRET_FILE", value_name = "PATH")]
    pub(crate) load_test_secret_file: Option<PathBuf>,
}

impl LoadTestSettings {
    /// The secret, if one is given.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub(crate) fn secret(&self) -> Result<Option<Secret<String>>, InvalidSetting> {
        Ok(self.given()?.map(|(_, secret)| secret))
    }

    fn given(&self) -> Result<Option<(&'static str, Secret<String>)>, InvalidSetting> {
        given(
            "load_test_secret",
            &self.load_test_secret,
            "load_test_secret_file",
            &self.load_test_secret_file,
        )
    }

    pub(super) fn check(&self, env: Environment) -> Result<Option<Secret<String>>, InvalidSetting> {
        let Some((setting, secret)) = self.given()? else { return Ok(None) };
        if env == Environment::Production {
            return Err(InvalidSetting::of(setting, Problem::TestSwitch));
        }
        strong_enough(setting, &secret, env)?;
        Ok(Some(secret))
    }
}
