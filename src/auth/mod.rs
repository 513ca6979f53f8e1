//! Who is asking: tokens, outside issuers, passwords, logins and their limits. No HTTP types in here.
//!
//! [`Auth::authenticate`] turns a token into a `Scope`, and nothing else does. It believes a token only who it is for:
//! role, plan and whether they may come in at all are read from our own rows, each time.

mod argon2id;
mod authenticate;
mod command_line;
mod devices;
mod error;
pub mod issuers;
mod load_test;
mod metrics;
mod mint;
mod password;
mod refresh;
mod sign_in;
mod sign_out;
#[cfg(test)]
mod testing;
mod throttle;
mod tickets;
pub mod token;

pub use authenticate::{Refused, Verified};
pub use command_line::{HashFailed, command_line, hash_password};
pub use error::{AuthError, Refusal};
pub use mint::{MintError, Minted};
pub use password::{NewPassword, PasswordInput, UnfitPassword};
pub use sign_in::{Credentials, SignInError, SignUp, SignedIn};
pub use tickets::NoTicket;

use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::db::Db;
use crate::domain::users::logins::Lifetimes;
use crate::limits::{Quota, RateLimiter};

use devices::DeviceTokens;
use issuers::{BadIssuers, Issuers, PlainHttp, Provisioning, Terms};
use load_test::LoadTests;
use metrics::Metrics;
use password::Passwords;
use throttle::{GuessLimits, LoginThrottle};
use tickets::Tickets;
use token::own::OwnTokens;
use token::{BadKey, SigningKey};

/// Says who is asking, and lets people in. One for all worker threads.
pub struct Auth {
    db: Db,
    clock: Clock,
    own: OwnTokens,
    issuers: Issuers,
    passwords: Passwords,
    throttle: LoginThrottle,
    devices: DeviceTokens,
    /// Refused tokens that become audit rows, by reason: whoever can make up tokens could fill the disk otherwise.
    audited: RateLimiter<&'static str>,
    tickets: Tickets,
    load_tests: Option<LoadTests>,
    metrics: Metrics,
    access_ttl: Duration,
    lifetimes: Lifetimes,
}

/// Audit rows of refused tokens per reason; the log has all of them.
const AUDITED_REFUSALS: Quota = Quota::new(300, Duration::from_secs(15 * 60));

/// Why authentication cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The key of our own tokens cannot be used.
    #[error("--jwt-key-file (SOUK_JWT_KEY_FILE) cannot be used: {0}")]
    Key(#[from] BadKey),
    /// The outside issuers cannot be used.
    #[error("--issuers (SOUK_ISSUERS) cannot be used: {0}")]
    Issuers(#[from] BadIssuers),
    /// Two metrics of the same name.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Whose tokens are believed: ours, by their key, and those of the issuers.
fn trusted(config: &Config, clock: &Clock) -> Result<(SigningKey, Issuers), SetUpError> {
    let settings = &config.auth;
    let terms = Terms {
        provisioning: match settings.provision_users {
            true => Provisioning::AtFirstSight,
            false => Provisioning::Never,
        },
        plain_http: match config.env {
            Environment::Development => PlainHttp::Anywhere,
            Environment::Production => PlainHttp::LoopbackOnly,
        },
        leeway: settings.issuer_leeway,
        max_age: settings.jwks_max_age,
        timeout: settings.jwks_timeout,
    };
    let issuers = match &settings.issuers {
        Some(path) => Issuers::load(path, &terms, &settings.jwt_issuer, clock.clone())?,
        None => Issuers::none(clock.clone()),
    };
    Ok((SigningKey::from_config(&config.signing)?, issuers))
}

impl Auth {
    /// Whether the keys and issuers that the configuration names can be used. Reads them, and nothing else.
    pub fn check(config: &Config) -> Result<(), SetUpError> {
        trusted(config, &Clock::system()).map(drop)
    }

    /// Reads keys and issuers. Blocks; called once, at start.
    pub fn open(config: &Config, db: Db, clock: Clock) -> Result<Self, SetUpError> {
        let settings = &config.auth;
        let (key, issuers) = trusted(config, &clock)?;
        let guesses = GuessLimits {
            account: settings.logins_per_account,
            anywhere: settings.logins_per_account_anywhere,
            address: settings.logins_per_address,
        };
        Ok(Self {
            devices: DeviceTokens::new(key.clone(), settings.device_ttl),
            own: OwnTokens::new(key, settings.jwt_issuer.clone(), settings.jwt_audience.clone()),
            issuers,
            passwords: Passwords::new(settings.argon2_concurrency, settings.argon2_queue),
            throttle: LoginThrottle::new(guesses, clock.clone()),
            audited: RateLimiter::new(clock.clone()),
            tickets: Tickets::new(settings.ticket_ttl, clock.clone()),
            load_tests: config.load_test_secret.as_ref().map(LoadTests::new),
            metrics: Metrics::new()?,
            access_ttl: settings.access_ttl,
            lifetimes: Lifetimes { idle: settings.login_idle, max: settings.login_max },
            db,
            clock,
        })
    }

    /// Shows its counters to operators.
    pub fn register_metrics(&self, registry: &prometheus::Registry) -> Result<(), SetUpError> {
        Ok(self.metrics.register(registry)?)
    }

    /// A ticket for a WebSocket handshake, and how long it is good for. It stands for this token, which must be good.
    pub fn give_ticket(&self, token: &str) -> Result<(String, Duration), NoTicket> {
        Ok((self.tickets.give(token)?, self.tickets.ttl()))
    }

    /// The token that a ticket stands for, to be authenticated like any other; `None` for what is no ticket any more.
    pub fn redeem_ticket(&self, ticket: &str) -> Option<String> {
        self.tickets.redeem(ticket)
    }

    /// How long logins live.
    pub fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("own", &self.own).field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
