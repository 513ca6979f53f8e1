//! Tickets for WebSocket handshakes: browsers cannot set headers there, and what is in a URL ends up in logs.
//! So a client exchanges its token for a ticket that is valid for one use within seconds, and puts that into
//! the URL.
//!
//! A ticket stands for the token it was issued for, and redeeming it decides nothing: the token is
//! authenticated again. Tickets are kept in this process: behind several nodes, a ticket is valid on the node
//! that issued it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use crate::clock::{Clock, Timestamp};

/// Lets people, secret scanners and our own log scrubber recognize a ticket.
const PREFIX: &str = "souk_tk_";
/// Most bytes of tokens held for tickets, in total.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Tickets that were issued and not redeemed yet.
#[derive(Debug)]
pub(crate) struct Tickets {
    clock: Clock,
    ttl: Duration,
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Keyed by the ticket's hash: the time of a look-up tells nothing about how much of a guess was right.
    by_hash: HashMap<[u8; 32], (String, Timestamp)>,
    bytes: usize,
}

/// Why no ticket was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTicket {
    /// The memory for tickets is full.
    #[error("too many tickets are out")]
    Overloaded,
    /// The system's random number generator failed.
    #[error("no randomness")]
    NoRandomness,
}

impl Tickets {
    pub(crate) fn new(ttl: Duration, clock: Clock) -> Self {
        Self { clock, ttl, max_bytes: MAX_BYTES, held: Mutex::default() }
    }

    /// Issues a ticket for this token.
    pub(crate) fn give(&self, token: &str) -> Result<String, NoTicket> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoTicket::NoRandomness)?;
        let ticket = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + token.len() > self.max_bytes {
            held.drop_overdue(now);
        }
        if held.bytes + token.len() > self.max_bytes {
            return Err(NoTicket::Overloaded);
        }
        held.bytes += token.len();
        held.by_hash.insert(hash(&ticket), (token.to_owned(), now.plus(self.ttl)));
        Ok(ticket)
    }

    /// The token that a ticket stands for; the ticket is used up.
    pub(crate) fn redeem(&self, ticket: &str) -> Option<String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = held.by_hash.remove(&hash(ticket))?;
        held.bytes = held.bytes.saturating_sub(token.len());
        (self.clock.now() < until).then_some(token)
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }
}

impl Held {
    fn drop_overdue(&mut self, now: Timestamp) {
        self.by_hash.retain(|_, (_, until)| now < *until);
        self.bytes = self.by_hash.values().map(|(token, _)| token.len()).sum();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tickets", self.by_hash.len())
    }
}

fn hash(ticket: &str) -> [u8; 32] {
    Sha256::digest(ticket).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> (Tickets, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        (Tickets::new(Duration::from_secs(30), clock.clone()), clock)
    }

    #[test]
    fn a_ticket_is_good_once_and_for_a_moment() {
        let (tickets, clock) = tickets();
        let ticket = tickets.give("token").unwrap();
        assert_eq!(tickets.redeem("guess"), None);
        assert_eq!(tickets.redeem(&ticket).as_deref(), Some("token"));
        assert_eq!(tickets.redeem(&ticket), None);
        let late = tickets.give("token").unwrap();
        clock.advance(Duration::from_secs(30));
        assert_eq!(tickets.redeem(&late), None);
    }

    #[test]
    fn tickets_that_nobody_redeems_do_not_fill_memory() {
        let (mut tickets, clock) = tickets();
        tickets.max_bytes = 10;
        tickets.give("token").unwrap();
        let second = tickets.give("token").unwrap();
        assert_eq!(tickets.give("token"), Err(NoTicket::Overloaded));
        tickets.redeem(&second).unwrap();
        tickets.give("token").unwrap();
        clock.advance(Duration::from_secs(30));
        tickets.give("token").unwrap();
        assert_eq!(tickets.held.lock().unwrap().bytes, 5);
    }
}
