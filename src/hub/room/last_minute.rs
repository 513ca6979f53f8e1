//! How much happened within the last minute, to ten seconds.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// What happens within this time counts together.
const STEP: Duration = Duration::from_secs(10);

/// A count of the last minute.
#[derive(Default)]
pub(super) struct LastMinute(VecDeque<(Instant, u64)>);

impl LastMinute {
    pub(super) fn count(&mut self, now: Instant) {
        self.0.retain(|(since, _)| now.saturating_duration_since(*since) < MINUTE);
        match self.0.back_mut() {
            Some((since, count)) if now.saturating_duration_since(*since) < STEP => *count += 1,
            _ => self.0.push_back((now, 1)),
        }
    }

    pub(super) fn total(&self, now: Instant) -> u64 {
        let counted = self.0.iter().filter(|(since, _)| now.saturating_duration_since(*since) < MINUTE);
        counted.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_a_minute_no_longer_counts() {
        let (mut counted, began) = (LastMinute::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        for seconds in [0, 1, 15, 40] {
            counted.count(at(seconds));
        }
        assert_eq!(counted.total(at(41)), 4);
        assert_eq!(counted.total(at(61)), 2);
        (0..1_000).for_each(|seconds| counted.count(at(100 + seconds)));
        assert!(counted.0.len() <= 7);
        assert_eq!(counted.total(at(1_099)), 60);
    }
}
