//! Notices addresses that are refused again and again: somebody guesses, or a client is broken.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Clock;
use crate::limits::network::customer;
use crate::limits::{Quota, RateLimiter};

/// Refusals within a minute that make a burst.
const BURST: Quota = Quota::new(30, Duration::from_secs(60));

/// A burst that goes on is told again after this time.
const TOLD: Quota = Quota::new(1, Duration::from_secs(5 * 60));

/// The refusals of each address.
#[derive(Debug)]
pub(super) struct Bursts {
    refusals: RateLimiter<IpAddr>,
    told: RateLimiter<IpAddr>,
}

impl Bursts {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { refusals: RateLimiter::new(clock.clone()), told: RateLimiter::new(clock.clone()) }
    }

    /// Counts a refusal. Whether a burst is to be told of.
    pub(super) fn refused(&self, address: IpAddr) -> bool {
        let address = customer(address);
        self.refusals.take(address, BURST).is_err() && self.told.take(address, TOLD).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_burst_is_told_once_and_patience_is_none() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        let bursts = Bursts::new(&clock);
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!((0..100).filter(|_| bursts.refused(here)).count(), 1);
        for _ in 0..100 {
            clock.advance(Duration::from_secs(3));
            assert!(!bursts.refused(there), "twenty a minute");
        }
        assert_eq!((0..100).filter(|_| bursts.refused(here)).count(), 1, "after five minutes again");
    }
}
