//! How many requests a minute somebody may make over HTTP: a user by plan, everybody else by address.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Clock;
use crate::ids::UserId;

use super::network::customer;
use super::{Limited, Quota, RateLimiter, Standing};

const MINUTE: Duration = Duration::from_secs(60);

/// The SHA-256 of a token, as a key of fixed size.
pub type TokenDigest = [u8; 32];

/// What was asked for lately. One for all worker threads.
#[derive(Debug)]
pub struct CallerLimits {
    anonymous: Quota,
    users: RateLimiter<UserId>,
    addresses: RateLimiter<IpAddr>,
    refused: RateLimiter<TokenDigest>,
}

impl CallerLimits {
    /// `anonymous` requests a minute of one address without a good token. Nobody has asked for anything yet.
    pub fn new(anonymous: u32, clock: &Clock) -> Self {
        Self {
            anonymous: Quota::new(anonymous, MINUTE),
            users: RateLimiter::new(clock.clone()),
            addresses: RateLimiter::new(clock.clone()),
            refused: RateLimiter::new(clock.clone()),
        }
    }

    /// Counts a request of a user whose plan has `requests` a minute.
    ///
    /// # Errors
    /// They have none left.
    pub fn user(&self, user: UserId, requests: u32) -> Result<Standing, Limited> {
        self.users.take(user, Quota::new(requests, MINUTE))
    }

    /// Counts a request of somebody at this address who shows no good token.
    ///
    /// # Errors
    /// The address has none left.
    pub fn address(&self, address: IpAddr) -> Result<Standing, Limited> {
        self.addresses.take(customer(address), self.anonymous)
    }

    /// Remembers that a well-signed token was refused.
    pub fn refused(&self, token: TokenDigest) {
        // That none is left is what `may_look_up` asks.
        let _ = self.refused.take(token, self.anonymous);
    }

    /// Whether a well-signed token is worth a look into the database. It is while its address has requests left, to which a
    /// refusal is charged; and for an address without any, which may have good callers beside bad ones, while that very token
    /// was not refused as often itself.
    pub fn may_look_up(&self, token: &TokenDigest, address: IpAddr) -> Result<(), Limited> {
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
