//! The generic cell rate algorithm (ITU-T I.371) for one key.

use std::time::Duration;

use crate::clock::Timestamp;

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    /// Between two in the long run.
    interval: Duration,
}

impl Quota {
    /// `limit` per `period`, and as many at once. A limit of none would refuse everything for ever, and counts as one.
    pub const fn new(limit: u32, period: Duration) -> Self {
        let limit = if limit == 0 { 1 } else { limit };
        let interval = match period.checked_div(limit) {
            Some(interval) => interval,
            None => period,
        };
        Self { limit, interval }
    }

    /// As many per time, and `limit` at once.
    pub fn with_burst(self, limit: u32) -> Self {
        Self { limit: limit.max(1), ..self }
    }

    /// How many there are at once.
    pub fn limit(self) -> u32 {
        self.limit
    }

    fn burst(self) -> Duration {
        self.interval.saturating_mul(self.limit)
    }
}

/// What one key has taken: a single moment is all that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When all that was taken will have been paid back (the theoretical arrival time).
    even: Timestamp,
}

/// Nothing was taken.
impl Default for Bucket {
    fn default() -> Self {
        Self { even: Timestamp::EPOCH }
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many there are at most.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// Until all of them are there again.
    pub reset: Duration,
}

/// None are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// When there is one again.
    pub retry_after: Duration,
    /// Where the key stands.
    pub standing: Standing,
}

impl Bucket {
    /// Where the key stands; nothing is taken.
    pub fn look(self, quota: Quota, now: Timestamp) -> Result<Standing, Limited> {
        let (burst, ahead) = (quota.burst(), self.ahead(quota, now));
        let free = burst.saturating_sub(ahead);
        let remaining = free.as_nanos().checked_div(quota.interval.as_nanos());
        // An interval of nothing: more a second than there are nanoseconds.
        let remaining = remaining.map_or(quota.limit, |count| u32::try_from(count).unwrap_or(u32::MAX));
        let standing = Standing { limit: quota.limit, remaining, reset: ahead };
        match remaining {
            0 => Err(Limited { retry_after: (ahead + quota.interval).saturating_sub(burst), standing }),
            _ => Ok(standing),
        }
    }

    /// Takes one; answers with where the key stands after that.
    ///
    /// # Errors
    /// None is left.
    pub fn take(&mut self, quota: Quota, now: Timestamp) -> Result<Standing, Limited> {
        let before = self.look(quota, now)?;
        let reset = self.ahead(quota, now) + quota.interval;
        self.even = now.plus(reset);
        Ok(Standing { remaining: before.remaining.saturating_sub(1), reset, ..before })
    }

    /// Takes one, also where none is left: for what is known only afterwards. The key waits no longer for it than the
    /// quota's whole period.
    pub fn charge(&mut self, quota: Quota, now: Timestamp) {
        let ahead = self.ahead(quota, now) + quota.interval;
        self.even = now.plus(ahead.min(quota.burst()));
    }

    /// Whether all is paid back: as good as never seen.
    pub fn is_even(self, now: Timestamp) -> bool {
        self.even <= now
    }

    /// When all is paid back.
    pub(super) fn even(self) -> Timestamp {
        self.even
    }

    /// What is taken of the future. Bounded, so that a clock that was set back shuts nobody out for longer than their own
    /// burst would.
    fn ahead(self, quota: Quota, now: Timestamp) -> Duration {
        self.even.since(now).min(quota.burst())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + millis * 1_000).unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let quota = Quota::new(3, Duration::from_secs(3));
        let mut bucket = Bucket::default();
        for remaining in [2, 1, 0] {
            let standing = bucket.take(quota, at(0)).unwrap();
            assert_eq!((standing.limit, standing.remaining), (3, remaining));
            assert_eq!(standing.reset, Duration::from_secs(u64::from(3 - remaining)));
        }
        let limited = bucket.take(quota, at(400)).unwrap_err();
        assert_eq!(limited.retry_after, Duration::from_millis(600));
        assert_eq!(limited.standing.remaining, 0);
        assert_eq!(bucket.take(quota, at(1_000)).unwrap().remaining, 0);
        assert!(bucket.take(quota, at(1_000)).is_err());
        assert_eq!(bucket.look(quota, at(4_000)).unwrap().remaining, 3);
        assert!(bucket.is_even(at(4_000)) && !bucket.is_even(at(3_999)));
    }

    #[test]
    fn looking_takes_nothing_and_charging_always_does() {
        let quota = Quota::new(2, Duration::from_secs(2));
        let mut bucket = Bucket::default();
        assert_eq!(bucket.look(quota, at(0)), bucket.look(quota, at(0)));
        for _ in 0..100 {
            bucket.charge(quota, at(0));
        }
        assert_eq!(bucket.look(quota, at(0)).unwrap_err().retry_after, Duration::from_secs(1));
        assert!(bucket.take(quota, at(1_000)).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out_for_long() {
        let quota = Quota::new(1, Duration::from_secs(1));
        let mut bucket = Bucket::default();
        bucket.take(quota, at(3_600_000)).unwrap();
        assert_eq!(bucket.take(quota, at(0)).unwrap_err().retry_after, Duration::from_secs(1));
    }

    #[test]
    fn who_keeps_to_the_rate_never_waits() {
        let quota = Quota::new(3, Duration::from_secs(1));
        let mut bucket = Bucket::default();
        assert!((0..1_000).all(|n| bucket.take(quota, at(n * 334)).is_ok()));
        let quick = Quota::new(u32::MAX, Duration::from_nanos(1));
        assert!((0..1_000).all(|_| bucket.take(quick, at(400_000)).is_ok()));
    }
}
