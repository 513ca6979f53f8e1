//! Rate limits for many keys, with a bounded number of keys in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::clock::{Clock, Timestamp};

use super::{Bucket, Limited, Quota, RateLimitStatus};

/// Maximum number of keys remembered; a few MiB.
const MAX_KEYS: usize = 65_536;

/// The state of each key.
///
/// When there is no room for another key, those with a full burst are forgotten, and if that is not enough,
/// the half that has used least. So a flood of made-up keys refuses nobody, and to make the server forget a
/// heavily used key an attacker needs tens of thousands of keys that are used more.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    max_keys: usize,
    by_key: HashMap<K, Bucket>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { max_keys: MAX_KEYS, by_key: HashMap::new() }
    }
}

impl<K: Hash + Eq> Buckets<K> {
    /// The state of a key; that of a new key if it is not remembered.
    pub(crate) fn get(&self, key: &K) -> Bucket {
        self.by_key.get(key).copied().unwrap_or_default()
    }

    /// The state of a key, to be changed.
    pub(crate) fn of(&mut self, key: K, now: Timestamp) -> &mut Bucket {
        if self.by_key.len() >= self.max_keys && !self.by_key.contains_key(&key) {
            self.make_room(now);
        }
        self.by_key.entry(key).or_default()
    }

    fn make_room(&mut self, now: Timestamp) {
        self.by_key.retain(|_, bucket| !bucket.is_even(now));
        if self.by_key.len() <= self.max_keys / 2 {
            return;
        }
        let mut debts: Vec<Timestamp> = self.by_key.values().map(|bucket| bucket.even()).collect();
        let middle = debts.len() / 2;
        let (_, &mut median, _) = debts.select_nth_unstable(middle);
        // Keys equal to the median are kept as far as there is room, because all keys may be equal.
        let mut equals = self.max_keys / 2 - debts.iter().filter(|debt| **debt > median).count();
        self.by_key.retain(|_, bucket| {
            let stays = bucket.even() > median || (bucket.even() == median && equals > 0);
            equals -= usize::from(stays && bucket.even() == median);
            stays
        });
    }
}

/// Limits many keys, each by the quota that the caller passes.
#[derive(Debug)]
pub(crate) struct RateLimiter<K> {
    clock: Clock,
    buckets: Mutex<Buckets<K>>,
}

impl<K: Hash + Eq> RateLimiter<K> {
    /// A limiter that remembers no key yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    /// Counts one request of the key, and returns the status after it.
    ///
    /// # Errors
    /// The quota is used up.
    pub(crate) fn take(&self, key: K, quota: Quota) -> Result<RateLimitStatus, Limited> {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.of(key, now).take(quota, now)
    }

    /// The status of the key; counts nothing.
    ///
    /// # Errors
    /// The quota is used up.
    pub(crate) fn look(&self, key: &K, quota: Quota) -> Result<RateLimitStatus, Limited> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(key).look(quota, self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn keys_do_not_share() {
        let limiter = RateLimiter::new(Clock::manual(at(0)));
        let quota = Quota::new(1, Duration::from_secs(60));
        assert_eq!(limiter.look(&"ana", quota).unwrap().remaining, 1);
        assert_eq!(limiter.take("ana", quota).unwrap().remaining, 0);
        assert!(limiter.take("ana", quota).is_err() && limiter.look(&"ana", quota).is_err());
        assert!(limiter.take("ben", quota).is_ok());
    }

    #[test]
    fn made_up_keys_fill_no_memory_and_hide_no_debt() {
        let quota = Quota::new(10, Duration::from_secs(100));
        let mut buckets = Buckets { max_keys: 64, by_key: HashMap::new() };
        for _ in 0..10 {
            buckets.of(0, at(0)).take(quota, at(0)).unwrap();
        }
        for key in 1..10_000 {
            buckets.of(key, at(0)).take(quota, at(0)).unwrap();
            assert!(buckets.by_key.len() <= 64);
        }
        assert!(buckets.get(&0).look(quota, at(0)).is_err(), "the one that owes most is remembered");
        // Once their bursts are full again, the old keys are forgotten.
        buckets.of(10_000, at(100)).take(quota, at(100)).unwrap();
        for key in 20_000..20_100 {
            buckets.of(key, at(100)).take(quota, at(100)).unwrap();
        }
        assert!(!buckets.by_key.contains_key(&0) && buckets.by_key.len() <= 64);
    }
}
