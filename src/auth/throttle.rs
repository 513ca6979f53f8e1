//! Slows down password guessing without letting an attacker lock out the account's owner.
//!
//! Who may guess, and what each can do:
//!
//! - **A stranger** (an address from which the account was never signed in to, and no device token) may fail
//!   `logins_per_account` times from their whole network (an IPv4 /24, an IPv6 /64), `logins_per_address`
//!   times over all accounts, and together with all other strangers `logins_per_account_anywhere` times for
//!   one account. The last bound stops a botnet. While it is reached, strangers wait, and so does the owner
//!   on a new device at a new place: that is the price, and the only way in which guessing delays an owner.
//! - **A known address** (a login of the account came from there) has its own budget for the account, beside
//!   that of the address. Strangers do not share it, unless they share the very address.
//! - **A known device** (it presents the device token that it got when it signed in) has its own budget and
//!   shares nothing else. Stealing that token gains as many guesses as a new network would.
//!
//! Only attempts whose verification failed count. An attempt that is being verified holds its place
//! meanwhile: others wait for its outcome where it matters to them, so that a burst is verified no further
//! than the budget allows, and a correct password is never refused because of concurrent attempts. The
//! answer, and the time it takes, are the same for accounts that do not exist.
//!
//! The state is kept in this process: behind N nodes, the budget is N times as large.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::ids::LoginId;
use crate::limits::network::{customer, subnet};
use crate::limits::{Buckets, Limited, Quota};

/// The period over which failures are counted.
pub(super) const PERIOD: Duration = Duration::from_secs(15 * 60);

/// An account as a key: derived from the entered text, whether such an account exists or not, and of fixed
/// size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey([u8; 32]);

impl AccountKey {
    pub(crate) fn of(typed: &str) -> Self {
        Self(Sha256::digest(typed.trim().to_lowercase()).into())
    }
}

/// The origin of an attempt, as far as the limits distinguish it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// A device that has signed in to the account before, with the login for which it got its device token.
    KnownDevice(LoginId),
    /// An address from which the account was signed in to before.
    KnownAddress(IpAddr),
    /// Any other address.
    Stranger(IpAddr),
}

/// What failed attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Device(LoginId),
    KnownAddress(AccountKey, IpAddr),
    Subnet(AccountKey, IpAddr),
    Account(AccountKey),
    Address(IpAddr),
}

/// Failures allowed in [`PERIOD`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuessLimits {
    /// For one account, from one device, address or network.
    pub(crate) account: u32,
    /// For one account, from all strangers together.
    pub(crate) anywhere: u32,
    /// For one address, over all accounts; registrations count, too.
    pub(crate) address: u32,
}

/// Counts failed attempts, and those that are being verified.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    clock: Clock,
    limits: GuessLimits,
    table: Mutex<Table>,
    /// Notified whenever an attempt was verified or abandoned.
    finished: Notify,
}

#[derive(Debug, Default)]
struct Table {
    failed: Buckets<Key>,
    /// Bounded by the queue for password hashes.
    in_progress: HashMap<Key, u32>,
}

impl LoginThrottle {
    pub(crate) fn new(limits: GuessLimits, clock: Clock) -> Self {
        Self { clock, limits, table: Mutex::default(), finished: Notify::new() }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// The address has made too many registrations or failed logins.
    pub(crate) fn register(&self, address: IpAddr) -> Result<(), Limited> {
        let (key, now) = (Key::Address(customer(address)), self.clock.now());
        self.lock().failed.of(key, now).take(self.quota(&key), now).map(drop)
    }

    /// Whether an address may make attempts at all; cheaper than [`LoginThrottle::begin`].
    ///
    /// # Errors
    /// It has made too many.
    pub(crate) fn look(&self, address: IpAddr) -> Result<(), Limited> {
        let key = Key::Address(customer(address));
        self.lock().failed.get(&key).look(self.quota(&key), self.clock.now()).map(drop)
    }

    /// Begins an attempt; waits where attempts that are being verified decide whether the budget is used up.
    /// The caller bounds how many may wait.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) async fn begin(&self, account: AccountKey, origin: Origin) -> Result<Guess<'_>, Limited> {
        let keys = keys(account, origin);
        loop {
            let finished = self.finished.notified();
            tokio::pin!(finished);
            // Enabled before the check, so that no outcome between the check and the wait is missed.
            finished.as_mut().enable();
            if self.try_begin(&keys)? {
                return Ok(Guess { throttle: self, keys });
            }
            finished.await;
        }
    }

    /// Whether the attempt has begun; `false` where others must be verified first.
    fn try_begin(&self, keys: &[Key]) -> Result<bool, Limited> {
        let now = self.clock.now();
        let mut table = self.lock();
        let mut is_free = true;
        for key in keys {
            let left = table.failed.get(key).look(self.quota(key), now)?.remaining;
            is_free &= table.in_progress.get(key).copied().unwrap_or_default() < left;
        }
        if is_free {
            for key in keys {
                *table.in_progress.entry(*key).or_default() += 1;
            }
        }
        Ok(is_free)
    }

    fn quota(&self, key: &Key) -> Quota {
        let limit = match key {
            Key::Device(_) | Key::KnownAddress(..) | Key::Subnet(..) => self.limits.account,
            Key::Account(_) => self.limits.anywhere,
            Key::Address(_) => self.limits.address,
        };
        Quota::new(limit, PERIOD)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(account: AccountKey, origin: Origin) -> Vec<Key> {
    match origin {
        Origin::KnownDevice(login) => vec![Key::Device(login)],
        Origin::KnownAddress(address) => {
            let address = customer(address);
            vec![Key::Address(address), Key::KnownAddress(account, address)]
        }
        Origin::Stranger(address) => vec![
            Key::Address(customer(address)),
            Key::Subnet(account, subnet(address)),
            Key::Account(account),
        ],
    }
}

/// An attempt that is being verified. Dropping it counts nothing: the password was correct, or was not
/// verified.
#[derive(Debug)]
pub(crate) struct Guess<'t> {
    throttle: &'t LoginThrottle,
    keys: Vec<Key>,
}

impl Guess<'_> {
    /// Counts the attempt as failed.
    pub(crate) fn wrong(self) {
        let now = self.throttle.clock.now();
        let mut table = self.throttle.lock();
        for key in &self.keys {
            table.failed.of(*key, now).charge(self.throttle.quota(key), now);
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        let mut table = self.throttle.lock();
        for key in &self.keys {
            if let Some(count) = table.in_progress.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    table.in_progress.remove(key);
                }
            }
        }
        drop(table);
        self.throttle.finished.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use futures_util::FutureExt;

    const LIMITS: GuessLimits = GuessLimits { account: 2, anywhere: 5, address: 4 };

    fn throttle() -> (LoginThrottle, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        (LoginThrottle::new(LIMITS, clock.clone()), clock)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn stranger(text: &str) -> Origin {
        Origin::Stranger(ip(text))
    }

    /// The immediate result of beginning: an attempt, a refusal, or none while it would wait.
    fn begin<'t>(
        throttle: &'t LoginThrottle,
        typed: &str,
        origin: Origin,
    ) -> Option<Result<Guess<'t>, Limited>> {
        throttle.begin(AccountKey::of(typed), origin).now_or_never()
    }

    fn fail(throttle: &LoginThrottle, typed: &str, origin: Origin) -> bool {
        begin(throttle, typed, origin).unwrap().map(Guess::wrong).is_ok()
    }

    #[test]
    fn what_is_being_judged_holds_its_place_and_refuses_nobody() {
        let (throttle, _clock) = throttle();
        let here = stranger("192.0.2.1");
        let one = begin(&throttle, "ana", here).unwrap().unwrap();
        let other = begin(&throttle, " ANA", here).unwrap().unwrap();
        assert!(begin(&throttle, "ana", here).is_none(), "it waits");
        assert!(begin(&throttle, "ben", here).unwrap().is_ok());
        drop(one);
        let third = begin(&throttle, "ana", here).unwrap().unwrap();
        other.wrong();
        assert!(begin(&throttle, "ana", here).is_none());
        third.wrong();
        assert!(begin(&throttle, "ana", here).unwrap().is_err(), "it is refused");
        assert!(throttle.table.lock().unwrap().in_progress.is_empty());
    }

    #[tokio::test]
    async fn who_waits_goes_on_as_soon_as_it_is_decided() {
        let (throttle, _clock) = throttle();
        let (here, ana) = (stranger("192.0.2.1"), AccountKey::of("ana"));
        let first = throttle.begin(ana, here).await.unwrap();
        let second = throttle.begin(ana, here).await.unwrap();
        let waiting = async { throttle.begin(ana, here).await.is_ok() };
        let verifying = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (went_on, ()) = tokio::join!(waiting, verifying);
        assert!(went_on);
        drop(second);
    }

    #[test]
    fn strangers_use_up_nothing_of_what_is_known() {
        let (throttle, clock) = throttle();
        let login = LoginId::new(clock.now());
        for network in ["192.0.2.1", "192.0.3.1"] {
            assert!(fail(&throttle, "ana", stranger(network)) && fail(&throttle, "ana", stranger(network)));
            assert!(!fail(&throttle, "ana", stranger(network)));
        }
        assert!(fail(&throttle, "ana", stranger("192.0.4.1")));
        assert!(!fail(&throttle, "ana", stranger("192.0.5.1")), "all strangers together");
        let known = [Origin::KnownAddress(ip("192.0.2.9")), Origin::KnownDevice(login)];
        for origin in known {
            assert!(fail(&throttle, "ana", origin) && fail(&throttle, "ana", origin));
            assert!(!fail(&throttle, "ana", origin), "they have their own guesses, and no more");
        }
        clock.advance(PERIOD / 2);
        assert!(known.into_iter().all(|origin| fail(&throttle, "ana", origin)));
    }

    #[test]
    fn an_address_guesses_at_few_accounts_and_registers_few() {
        let (throttle, _clock) = throttle();
        for account in ["a", "b", "c"] {
            assert!(fail(&throttle, account, stranger("2001:db8::1")));
        }
        throttle.look(ip("2001:db8::2")).unwrap();
        throttle.register(ip("2001:db8::2")).unwrap();
        assert!(throttle.register(ip("2001:db8::3")).is_err() && throttle.look(ip("2001:db8::4")).is_err());
        assert!(!fail(&throttle, "d", stranger("2001:db8::5")));
        assert!(fail(&throttle, "d", stranger("2001:db8:0:1::5")));
    }
}
