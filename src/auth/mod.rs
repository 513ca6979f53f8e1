//! Authentication: tokens, outside issuers, passwords, logins and their limits. No HTTP types in here.
//!
//! [`Auth::authenticate`] turns a token into a `Scope`. A token is trusted for its subject only: role, plan
//! and whether the user is active are ours. They are read from our own rows, and kept for a moment, until
//! something changes ([`Invalidations`]).

mod argon2id;
mod authenticate;
mod bursts;
mod cache;
mod command_line;
mod devices;
mod error;
mod expired;
pub(crate) mod issuers;
mod keyed_hash;
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
pub(crate) mod token;
mod views;

pub(crate) use authenticate::Refused;
pub(crate) use cache::{FOLLOWED_WITHIN, Invalidations};
pub(crate) use command_line::{command_line, hash_password};
pub(crate) use error::{AuthError, TokenRefusal};
pub use password::NewPassword;
pub(crate) use password::PasswordInput;
pub use sign_in::SignUp;
pub(crate) use sign_in::{Credentials, SignInError, SignedIn};
pub(crate) use tickets::NoTicket;
pub(crate) use views::ViewToken;

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::db::{Db, DbError};
use crate::domain::users::logins::Lifetimes;
use crate::ids::UserId;
use crate::limits::{CallerLimits, Quota, RateLimiter};

use bursts::Bursts;
use cache::TokenCache;
use devices::DeviceTokens;
use issuers::{BadIssuers, IssuerSettings, Issuers, PlainHttp, Provisioning};
use load_test::LoadTests;
use metrics::Metrics;
use password::Passwords;
use throttle::{GuessLimits, LoginThrottle};
use tickets::Tickets;
use token::own::OwnTokens;
use token::{BadKey, SigningKey};

/// Authenticates callers and signs users in. One instance is shared by all worker threads.
pub struct Auth {
    db: Db,
    clock: Clock,
    cache: TokenCache,
    own: OwnTokens,
    issuers: Issuers,
    passwords: Passwords,
    throttle: LoginThrottle,
    devices: DeviceTokens,
    /// Limits the audit rows for refused tokens and handshakes, by reason: otherwise made-up tokens could fill the
    /// disk.
    audited: RateLimiter<&'static str>,
    bursts: Bursts,
    tickets: Tickets,
    load_tests: Option<LoadTests>,
    metrics: Metrics,
    access_ttl: Duration,
    lifetimes: Lifetimes,
}

/// Audit rows of refused tokens and handshakes, per reason; the log has all of them.
const AUDITED_REFUSALS: Quota = Quota::new(300, Duration::from_secs(15 * 60));

/// Expired rows that are deleted in one transaction.
const EXPIRED_AT_ONCE: i64 = 1000;

/// Why authentication cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The key of our own tokens is unusable.
    #[error("--jwt-key-file (SOUK_JWT_KEY_FILE) cannot be used: {0}")]
    Key(#[from] BadKey),
    /// The outside issuers are unusable.
    #[error("--issuers (SOUK_ISSUERS) cannot be used: {0}")]
    Issuers(#[from] BadIssuers),
    /// A metric of the same name is registered already.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Loads the key of our own tokens and the outside issuers.
fn trusted(config: &Config, clock: &Clock) -> Result<(SigningKey, Issuers), SetUpError> {
    let settings = &config.auth;
    let for_all = IssuerSettings {
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
        Some(path) => Issuers::load(path, &for_all, &settings.jwt_issuer, clock.clone())?,
        None => Issuers::none(clock.clone()),
    };
    Ok((SigningKey::from_config(&config.signing)?, issuers))
}

impl Auth {
    /// Whether the configured keys and issuers are usable. Reads them and has no other effect.
    pub(crate) fn check(config: &Config) -> Result<(), SetUpError> {
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
        let metrics = Metrics::new()?;
        Ok(Self {
            cache: TokenCache::new(settings.token_cache, Invalidations::default(), metrics.cache.clone()),
            devices: DeviceTokens::new(key.clone(), settings.device_ttl),
            throttle: LoginThrottle::new(guesses, &key, &db, clock.clone()),
            tickets: Tickets::new(&key, settings.ticket_ttl, &db, clock.clone()),
            own: OwnTokens::new(key, settings.jwt_issuer.clone(), settings.jwt_audience.clone()),
            issuers,
            passwords: Passwords::new(settings.argon2_concurrency, settings.argon2_queue),
            audited: RateLimiter::new(clock.clone()),
            bursts: Bursts::new(&clock),
            load_tests: config.load_test_secret.as_ref().map(LoadTests::new),
            metrics,
            access_ttl: settings.access_ttl,
            lifetimes: Lifetimes { idle: settings.login_idle, max: settings.login_max },
            db,
            clock,
        })
    }

    /// Keeps checked tokens for a moment, as long as it hears in `invalidations` of what changes. Without this it
    /// asks the database at every call.
    pub(crate) fn following(self, invalidations: Invalidations) -> Self {
        Self { cache: self.cache.following(invalidations), ..self }
    }

    /// Registers its metrics.
    pub(crate) fn register_metrics(&self, registry: &prometheus::Registry) -> Result<(), SetUpError> {
        Ok(self.metrics.register(registry)?)
    }

    /// How long logins last.
    pub(crate) fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    /// Issues a ticket for a WebSocket handshake, with its lifetime. It stands for this token of the user, which
    /// must be valid.
    pub(crate) async fn give_ticket(
        &self,
        user: UserId,
        token: &str,
    ) -> Result<(String, Duration), NoTicket> {
        Ok((self.tickets.give(user, token).await?, self.tickets.ttl()))
    }

    /// The token that a ticket stands for, to be authenticated like any other; `None` if the ticket is
    /// unknown, used or expired.
    ///
    /// Once the address has used up its rate, a ticket that keeps being refused is not looked up any more. What
    /// we never issued is not looked up at all. The caller charges refusals to the address.
    pub(crate) async fn redeem_ticket(
        &self,
        ticket: &str,
        address: IpAddr,
        rates: &CallerLimits,
    ) -> Result<Option<String>, AuthError> {
        let digest = Sha256::digest(ticket).into();
        if !self.tickets.is_genuine(ticket) || rates.may_look_up(&digest, address).is_err() {
            return Ok(None);
        }
        let token = self.tickets.redeem(ticket).await?;
        if token.is_none() {
            rates.refused(digest);
        }
        Ok(token)
    }

    /// Frees the memory of password hashes if nobody signed in since the last call.
    pub(crate) fn free_unused(&self) {
        self.passwords.free_unused();
    }

    /// Deletes tickets that nobody has redeemed, and counts of failed logins that mean nothing any more.
    pub(crate) async fn delete_expired(&self) -> Result<(), DbError> {
        loop {
            let tickets = self.tickets.delete_expired(EXPIRED_AT_ONCE).await?;
            let guesses = self.throttle.delete_expired(EXPIRED_AT_ONCE).await?;
            let deleted = i64::try_from(tickets.max(guesses)).unwrap_or(i64::MAX);
            // Fewer than a batch: that was all, but for what others are working at.
            if deleted < EXPIRED_AT_ONCE {
                return Ok(());
            }
        }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("own", &self.own).field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
