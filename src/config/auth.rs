//! Lifetimes of tokens and logins, outside issuers, and limits on password guessing.

use std::path::PathBuf;
use std::time::Duration;

use super::error::{InvalidSetting, Problem};
use super::value::{count, duration};

/// Tokens, logins, outside issuers and throttles.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct AuthConfig {
    /// The iss claim of our own tokens, exact
    #[arg(long, env = "SOUK_JWT_ISSUER", value_name = "TEXT", default_value = "souk")]
    pub(crate) jwt_issuer: String,

    /// The aud claim of our own tokens, exact
    #[arg(long, env = "SOUK_JWT_AUDIENCE", value_name = "TEXT", default_value = "souk")]
    pub(crate) jwt_audience: String,

    /// How long an access token is valid
    #[arg(
        long, env = "SOUK_ACCESS_TTL", value_name = "DURATION", default_value = "30m",
        value_parser = duration
    )]
    pub(crate) access_ttl: Duration,

    /// A login ends after this long without a refresh
    #[arg(
        long, env = "SOUK_LOGIN_IDLE", value_name = "DURATION", default_value = "14d",
        value_parser = duration
    )]
    pub(crate) login_idle: Duration,

    /// A login ends after this long in all
    #[arg(
        long, env = "SOUK_LOGIN_MAX", value_name = "DURATION", default_value = "90d",
        value_parser = duration
    )]
    pub(crate) login_max: Duration,

    /// Access tokens that are kept for a moment after they were checked, so that the database is not asked again; 0
    /// asks it at every request
    #[arg(long, env = "SOUK_TOKEN_CACHE", value_name = "COUNT", default_value = "20000")]
    pub(crate) token_cache: usize,

    /// How long a WebSocket ticket is valid
    #[arg(
        long, env = "SOUK_TICKET_TTL", value_name = "DURATION", default_value = "30s",
        value_parser = duration
    )]
    pub(crate) ticket_ttl: Duration,

    /// Clock difference to outside issuers that is tolerated
    #[arg(
        long, env = "SOUK_ISSUER_LEEWAY", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) issuer_leeway: Duration,

    /// File (JSON) that describes the outside issuers whose tokens are accepted; none by default
    #[arg(long, env = "SOUK_ISSUERS", value_name = "PATH")]
    pub(crate) issuers: Option<PathBuf>,

    /// How long an issuer's keys are used before they are fetched again
    #[arg(
        long, env = "SOUK_JWKS_MAX_AGE", value_name = "DURATION", default_value = "5m",
        value_parser = duration
    )]
    pub(crate) jwks_max_age: Duration,

    /// Time to fetch an issuer's keys
    #[arg(
        long, env = "SOUK_JWKS_TIMEOUT", value_name = "DURATION", default_value = "5s",
        value_parser = duration
    )]
    pub(crate) jwks_timeout: Duration,

    /// Create unknown users of outside issuers on their first request
    #[arg(
        long, env = "SOUK_PROVISION_USERS", value_name = "true|false", default_value = "false",
        num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set
    )]
    pub(crate) provision_users: bool,

    /// Password hashes computed at once (19 MiB of memory each)
    #[arg(
        long, env = "SOUK_ARGON2_CONCURRENCY", value_name = "COUNT", default_value = "2",
        value_parser = count::<usize>
    )]
    pub(crate) argon2_concurrency: usize,

    /// Logins that may wait for a password hash before further ones are refused
    #[arg(
        long, env = "SOUK_ARGON2_QUEUE", value_name = "COUNT", default_value = "64",
        value_parser = count::<usize>
    )]
    pub(crate) argon2_queue: usize,

    /// Failed logins per account in 15 minutes, from one network (an IPv4 /24, an IPv6 /64), known address or known device
    #[arg(
        long, env = "SOUK_LOGINS_PER_ACCOUNT", value_name = "COUNT", default_value = "10",
        value_parser = count::<u32>
    )]
    pub(crate) logins_per_account: u32,

    /// Failed logins per account in 15 minutes, from all networks; beyond it, devices and addresses that have not
    /// signed in to the account before must wait
    #[arg(
        long, env = "SOUK_LOGINS_PER_ACCOUNT_ANYWHERE", value_name = "COUNT", default_value = "100",
        value_parser = count::<u32>
    )]
    pub(crate) logins_per_account_anywhere: u32,

    /// How long a device token is valid after a login
    #[arg(
        long, env = "SOUK_DEVICE_TTL", value_name = "DURATION", default_value = "180d",
        value_parser = duration
    )]
    pub(crate) device_ttl: Duration,

    /// Failed logins and registrations per address in 15 minutes
    #[arg(
        long, env = "SOUK_LOGINS_PER_ADDRESS", value_name = "COUNT", default_value = "100",
        value_parser = count::<u32>
    )]
    pub(crate) logins_per_address: u32,
}

impl AuthConfig {
    pub(super) fn check(&self, invalid: &mut Vec<InvalidSetting>) {
        if self.login_idle > self.login_max {
            invalid.push(InvalidSetting::of("login_idle", Problem::NotOver("--login-max")));
        }
        if self.access_ttl > self.login_idle {
            invalid.push(InvalidSetting::of("access_ttl", Problem::NotOver("--login-idle")));
        }
        if self.logins_per_account > self.logins_per_account_anywhere {
            invalid.push(InvalidSetting::of(
                "logins_per_account",
                Problem::NotOver("--logins-per-account-anywhere"),
            ));
        }
        for (setting, text) in [("jwt_issuer", &self.jwt_issuer), ("jwt_audience", &self.jwt_audience)] {
            if text.trim().is_empty() {
                invalid.push(InvalidSetting::of(setting, Problem::Empty));
            }
        }
        if let Some(path) = &self.issuers
            && let Err(cause) = std::fs::File::open(path)
        {
            invalid.push(InvalidSetting::of("issuers", Problem::unreadable(path, &cause)));
        }
    }
}
