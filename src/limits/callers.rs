//! HTTP requests per minute: a limit per user by plan, and per address for callers without a good token.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Clock;
use crate::ids::UserId;

use super::network::customer;
use super::{Limited, Quota, RateLimitStatus, RateLimiter};

const MINUTE: Duration = Duration::from_secs(60);

/// The SHA-256 of a token: a key of fixed size, which also keeps the token itself out of memory.
pub(crate) type TokenDigest = [u8; 32];

/// The request rates of all callers. One instance for all worker threads.
#[derive(Debug)]
pub(crate) struct CallerLimits {
    anonymous: Quota,
    users: RateLimiter<UserId>,
    addresses: RateLimiter<IpAddr>,
    refused: RateLimiter<TokenDigest>,
}

impl CallerLimits {
    /// Allows `anonymous` requests per minute and address without a good token.
    pub(crate) fn new(anonymous: u32, clock: &Clock) -> Self {
        Self {
            anonymous: Quota::new(anonymous, MINUTE),
            users: RateLimiter::new(clock.clone()),
            addresses: RateLimiter::new(clock.clone()),
            refused: RateLimiter::new(clock.clone()),
        }
    }

    /// Counts a request of a user whose plan allows `requests` per minute.
    ///
    /// # Errors
    /// The user has used up the quota.
    pub(crate) fn user(&self, user: UserId, requests: u32) -> Result<RateLimitStatus, Limited> {
        self.users.take(user, Quota::new(requests, MINUTE))
    }

    /// Counts a request without a good token.
    ///
    /// # Errors
    /// The address has used up its quota.
    pub(crate) fn address(&self, address: IpAddr) -> Result<RateLimitStatus, Limited> {
        self.addresses.take(customer(address), self.anonymous)
    }

    /// Records that a token with a good signature was refused by the database check.
    pub(crate) fn refused(&self, token: TokenDigest) {
        // A result of "limited" is acted on in `may_look_up`.
        let _ = self.refused.take(token, self.anonymous);
    }

    /// Whether a token with a good signature is worth a database read. It is while its address has quota
    /// left, to which a refusal is charged. It also is for an address without quota, which may have good
    /// callers beside bad ones, as long as this very token has not been refused too often itself.
    pub(crate) fn may_look_up(&self, token: &TokenDigest, address: IpAddr) -> Result<(), Limited> {
        match self.addresses.look(&customer(address), self.anonymous) {
            Ok(_) => Ok(()),
            Err(limited) => self.refused.look(token, self.anonymous).map(drop).map_err(|_| limited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_neighbour_uses_up_the_address_and_not_the_token() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        let limits = CallerLimits::new(2, &clock);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let (good, void) = ([1; 32], [2; 32]);
        for _ in 0..2 {
            limits.may_look_up(&void, here).unwrap();
            limits.refused(void);
            limits.address(here).unwrap();
        }
        assert!(limits.address(here).is_err() && limits.may_look_up(&void, here).is_err());
        limits.may_look_up(&good, here).unwrap();
        limits.may_look_up(&void, "192.0.2.2".parse().unwrap()).unwrap();
        clock.advance(Duration::from_secs(30));
        limits.may_look_up(&void, here).unwrap();
    }
}
