//! How guessing is slowed down: so many attempts per key and 15 minutes, spread evenly after the first burst (GCRA).
//!
//! Ours rather than governor's, since an attempt that was right is given back (only failures count against an account),
//! and since the number of remembered keys must be bounded: whoever can make up keys can fill a table.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::{Clock, Timestamp};

/// What the limits are counted over.
const PERIOD: Duration = Duration::from_secs(15 * 60);
/// Keys remembered at most: a few MiB. When all of them are in use, unknown keys wait.
const MAX_KEYS: usize = 65_536;
/// Between two sweeps of a full table.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Attempts by key.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    clock: Clock,
    /// Between two attempts in the long run.
    interval: Duration,
    /// How far in advance attempts may be used up: the burst.
    tolerance: Duration,
    max_keys: usize,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    /// When each key's attempts so far would have been used up at an even pace (theoretical arrival time).
    arrivals: HashMap<K, Timestamp>,
    swept_at: Option<Timestamp>,
}

/// The key has no attempts left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled {
    /// When it has one again.
    pub(crate) retry_after: Duration,
}

impl<K: Hash + Eq> Throttle<K> {
    /// `attempts` per key in 15 minutes.
    pub(crate) fn new(attempts: u32, clock: Clock) -> Self {
        let interval = PERIOD / attempts.max(1);
        let table = Table { arrivals: HashMap::new(), swept_at: None };
        Self {
            clock,
            interval,
            tolerance: PERIOD.saturating_sub(interval),
            max_keys: MAX_KEYS,
            table: Mutex::new(table),
        }
    }

    /// Takes one attempt of the key's.
    pub(crate) fn take(&self, key: K) -> Result<(), Throttled> {
        let now = self.clock.now();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let known = table.arrivals.get(&key).copied();
        if known.is_none() && !table.has_room(now, self.max_keys) {
            return Err(Throttled { retry_after: self.interval });
        }
        let arrival = known.unwrap_or(now).max(now);
        let ahead = arrival.since(now);
        if ahead > self.tolerance {
            return Err(Throttled { retry_after: ahead.saturating_sub(self.tolerance) });
        }
        table.arrivals.insert(key, arrival.plus(self.interval));
        Ok(())
    }

    /// Gives an attempt back that turned out to be no guess.
    pub(crate) fn give_back(&self, key: &K) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrival) = table.arrivals.get_mut(key) {
            *arrival = arrival.minus(self.interval);
        }
    }
}

impl<K: Hash + Eq> Table<K> {
    fn has_room(&mut self, now: Timestamp, max_keys: usize) -> bool {
        if self.arrivals.len() < max_keys {
            return true;
        }
        if self.swept_at.is_none_or(|at| now >= at.plus(SWEEP_PAUSE)) {
            self.swept_at = Some(now);
            // What lies in the past is as good as never seen.
            self.arrivals.retain(|_, arrival| *arrival > now);
        }
        self.arrivals.len() < max_keys
    }
}

/// An account as a key: of what was typed, whether there is such an account or not, and of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey([u8; 32]);

impl AccountKey {
    pub(crate) fn of(typed: &str) -> Self {
        Self(Sha256::digest(typed.trim().to_lowercase()).into())
    }
}

/// An address as a key. An IPv6 customer has at least a /64, so what comes from one counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

impl AddressKey {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into())),
            v4 => Self(v4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(attempts: u32) -> (Throttle<u32>, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        (Throttle::new(attempts, clock.clone()), clock)
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let (throttle, clock) = throttle(10);
        for _ in 0..10 {
            throttle.take(1).unwrap();
        }
        assert_eq!(throttle.take(1), Err(Throttled { retry_after: Duration::from_secs(90) }));
        throttle.take(2).unwrap();
        clock.advance(Duration::from_secs(89));
        assert_eq!(throttle.take(1), Err(Throttled { retry_after: Duration::from_secs(1) }));
        clock.advance(Duration::from_secs(1));
        throttle.take(1).unwrap();
        assert!(throttle.take(1).is_err());
        clock.advance(PERIOD);
        for _ in 0..10 {
            throttle.take(1).unwrap();
        }
    }

    #[test]
    fn what_was_no_guess_does_not_count() {
        let (throttle, _clock) = throttle(3);
        for _ in 0..100 {
            throttle.take(1).unwrap();
            throttle.give_back(&1);
        }
        throttle.give_back(&7);
    }

    #[test]
    fn made_up_keys_do_not_fill_memory_and_make_room_later() {
        let (mut throttle, clock) = throttle(3);
        throttle.max_keys = 2;
        throttle.take(1).unwrap();
        throttle.take(2).unwrap();
        assert!(throttle.take(3).is_err());
        throttle.take(1).unwrap();
        clock.advance(PERIOD);
        throttle.take(3).unwrap();
        assert_eq!(throttle.table.lock().unwrap().arrivals.len(), 1);
    }

    #[test]
    fn one_customer_is_one_address() {
        let key = |text: &str| AddressKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(AccountKey::of(" Ana@Example.com"), AccountKey::of("ana@example.com"));
    }
}
