//! Limits on the messages of one session. Plain values; time is a parameter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::limits::{Bucket, Quota};

/// A client that exceeds its rate gets errors; the session is closed once it has sent this many seconds'
/// worth of messages above the rate.
const TOLERATED_SECONDS: u32 = 10;

/// What to do with a message, given those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Process it.
    Allow,
    /// Refuse it; the next message is allowed after this long.
    Refuse(Duration),
    /// The client keeps exceeding its rate: close the session.
    GiveUp,
}

/// The rate limit of one session.
#[derive(Debug)]
pub(super) struct RateLimit {
    quota: Quota,
    allowed: Bucket,
    refused: Bucket,
}

impl RateLimit {
    /// Allows this many messages per second.
    pub(super) fn new(messages: u32) -> Self {
        let quota = Quota::new(messages, Duration::from_secs(1));
        Self { quota, allowed: Bucket::default(), refused: Bucket::default() }
    }

    /// Counts a message.
    pub(super) fn on_message(&mut self, now: Timestamp) -> Verdict {
        let Err(limited) = self.allowed.take(self.quota, now) else { return Verdict::Allow };
        let tolerated = self.quota.with_burst(self.quota.limit().saturating_mul(TOLERATED_SECONDS));
        match self.refused.take(tolerated, now) {
            Ok(_) => Verdict::Refuse(limited.retry_after),
            Err(_) => Verdict::GiveUp,
        }
    }
}

/// Counts malformed messages exactly, in a sliding window of a minute. Remembers no more of them than the
/// limit.
#[derive(Debug)]
pub(super) struct MalformedCounter {
    at_most: usize,
    recent: VecDeque<Timestamp>,
}

impl MalformedCounter {
    /// Allows fewer than `at_most` per minute.
    pub(super) fn new(at_most: u32) -> Self {
        Self { at_most: usize::try_from(at_most).unwrap_or(usize::MAX), recent: VecDeque::new() }
    }

    /// Counts a malformed message; returns whether the limit is reached.
    pub(super) fn add(&mut self, now: Timestamp) -> bool {
        self.recent.push_back(now);
        self.recent.retain(|at| now.since(*at) < Duration::from_secs(60));
        self.recent.len() >= self.at_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + millis * 1_000).unwrap()
    }

    #[test]
    fn a_burst_is_heard_and_then_one_at_a_time() {
        let mut rate_limit = RateLimit::new(10);
        for _ in 0..10 {
            assert_eq!(rate_limit.on_message(at(0)), Verdict::Allow);
        }
        assert_eq!(rate_limit.on_message(at(0)), Verdict::Refuse(Duration::from_millis(100)));
        assert_eq!(rate_limit.on_message(at(60)), Verdict::Refuse(Duration::from_millis(40)));
        assert_eq!(rate_limit.on_message(at(100)), Verdict::Allow);
        assert_eq!(rate_limit.on_message(at(5_000)), Verdict::Allow, "after a pause, a burst again");
    }

    #[test]
    fn who_keeps_to_the_rate_is_always_heard() {
        let mut rate_limit = RateLimit::new(3);
        assert!((0..1_000).all(|n| rate_limit.on_message(at(n * 334)) == Verdict::Allow));
    }

    #[test]
    fn who_does_not_stop_is_given_up() {
        let mut rate_limit = RateLimit::new(10);
        let refused =
            (0..).map(|_| rate_limit.on_message(at(0))).position(|verdict| verdict == Verdict::GiveUp);
        assert_eq!(refused, Some(10 + 100));
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nobody_for_long() {
        let mut rate_limit = RateLimit::new(1);
        assert_eq!(rate_limit.on_message(at(3_600_000)), Verdict::Allow);
        assert_eq!(rate_limit.on_message(at(0)), Verdict::Refuse(Duration::from_secs(1)));
    }

    #[test]
    fn mistakes_of_more_than_a_minute_ago_are_forgiven() {
        let mut malformed = MalformedCounter::new(3);
        assert!(!malformed.add(at(0)));
        assert!(!malformed.add(at(30_000)));
        assert!(!malformed.add(at(60_000)), "the first is forgiven");
        assert!(malformed.add(at(89_999)), "three in a minute");
    }
}
