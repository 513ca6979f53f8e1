//! The generic cell rate algorithm (GCRA, ITU-T I.371) for one key.

use std::time::Duration;

use crate::clock::Timestamp;

/// A rate and a burst size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    limit: u32,
    /// Time between two requests at the sustained rate.
    interval: Duration,
}

impl Quota {
    /// `limit` requests per `period`, and as many in a burst. A limit of zero would refuse everything for
    /// ever, so it counts as one.
    pub(crate) const fn new(limit: u32, period: Duration) -> Self {
        let limit = if limit == 0 { 1 } else { limit };
        let interval = match period.checked_div(limit) {
            Some(interval) => interval,
            None => period,
        };
        Self { limit, interval }
    }

    /// The same sustained rate, with a burst of `limit` requests.
    pub(crate) fn with_burst(self, limit: u32) -> Self {
        Self { limit: limit.max(1), ..self }
    }

    /// The burst size in requests.
    pub(crate) fn limit(self) -> u32 {
        self.limit
    }

    fn burst(self) -> Duration {
        self.interval.saturating_mul(self.limit)
    }
}

/// The state of one key: a single moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// The theoretical arrival time of GCRA: when the key will have its full burst again.
    even: Timestamp,
}

/// A key that has made no request.
impl Default for Bucket {
    fn default() -> Self {
        Self { even: Timestamp::EPOCH }
    }
}

/// How much of its quota a key has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimitStatus {
    /// The burst size in requests.
    pub(crate) limit: u32,
    /// Requests that are allowed right now.
    pub(crate) remaining: u32,
    /// Time until the full burst is available again.
    pub(crate) reset: Duration,
}

/// The key has used up its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    /// Time until the next request is allowed.
    pub(crate) retry_after: Duration,
    /// The status of the key when it was refused.
    pub(crate) status: RateLimitStatus,
}

impl Bucket {
    /// The status of the key; counts nothing.
    ///
    /// # Errors
    /// The quota is used up.
    pub(crate) fn look(self, quota: Quota, now: Timestamp) -> Result<RateLimitStatus, Limited> {
        let (burst, ahead) = (quota.burst(), self.ahead(quota, now));
        let free = burst.saturating_sub(ahead);
        let remaining = free.as_nanos().checked_div(quota.interval.as_nanos());
        // The interval is zero when the quota allows more per second than there are nanoseconds.
        let remaining = remaining.map_or(quota.limit, |count| u32::try_from(count).unwrap_or(u32::MAX));
        let status = RateLimitStatus { limit: quota.limit, remaining, reset: ahead };
        match remaining {
            0 => Err(Limited { retry_after: (ahead + quota.interval).saturating_sub(burst), status }),
            _ => Ok(status),
        }
    }

    /// Counts one request, and returns the status after it.
    ///
    /// # Errors
    /// The quota is used up; nothing is counted.
    pub(crate) fn take(&mut self, quota: Quota, now: Timestamp) -> Result<RateLimitStatus, Limited> {
        let before = self.look(quota, now)?;
        let reset = self.ahead(quota, now) + quota.interval;
        self.even = now.plus(reset);
        Ok(RateLimitStatus { remaining: before.remaining.saturating_sub(1), reset, ..before })
    }

    /// Counts one request even if the quota is used up, for costs that are known only afterwards. The wait
    /// that this causes never exceeds the quota's period.
    pub(crate) fn charge(&mut self, quota: Quota, now: Timestamp) {
        let ahead = self.ahead(quota, now) + quota.interval;
        self.even = now.plus(ahead.min(quota.burst()));
    }

    /// Whether the full burst is available, so that the key need not be remembered.
    pub(crate) fn is_even(self, now: Timestamp) -> bool {
        self.even <= now
    }

    /// The state of a key that has its full burst again at `even`.
    pub(crate) fn even_at(even: Timestamp) -> Self {
        Self { even }
    }

    /// When the full burst is available again.
    pub(crate) fn even(self) -> Timestamp {
        self.even
    }

    /// How far the theoretical arrival time lies in the future. Bounded, so that after the clock was set back
    /// nobody waits longer than their own burst takes to refill.
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
            let status = bucket.take(quota, at(0)).unwrap();
            assert_eq!((status.limit, status.remaining), (3, remaining));
            assert_eq!(status.reset, Duration::from_secs(u64::from(3 - remaining)));
        }
        let limited = bucket.take(quota, at(400)).unwrap_err();
        assert_eq!(limited.retry_after, Duration::from_millis(600));
        assert_eq!(limited.status.remaining, 0);
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
