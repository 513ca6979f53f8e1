//! Tickets in the memory of the one server of a SQLite file.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

use super::NoTicket;

/// Most bytes of tokens held for tickets, in total.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Tickets by id.
#[derive(Debug)]
pub(super) struct Memory {
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    by_id: HashMap<String, (String, Timestamp)>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { max_bytes: MAX_BYTES, held: Mutex::default() }
    }

    /// Keeps the token of a new ticket.
    pub(super) fn insert(
        &self,
        id: String,
        token: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), NoTicket> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + token.len() > self.max_bytes {
            held.drop_overdue(now);
        }
        if held.bytes + token.len() > self.max_bytes {
            return Err(NoTicket::Overloaded);
        }
        held.bytes += token.len();
        held.by_id.insert(id, (token.to_owned(), until));
        Ok(())
    }

    /// Takes out the token of a ticket, with the ticket's end.
    pub(super) fn take(&self, id: &str) -> Option<(String, Timestamp)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = held.by_id.remove(id)?;
        held.bytes = held.bytes.saturating_sub(taken.0.len());
        Some(taken)
    }
}

impl Held {
    fn drop_overdue(&mut self, now: Timestamp) {
        self.by_id.retain(|_, (_, until)| now < *until);
        self.bytes = self.by_id.values().map(|(token, _)| token.len()).sum();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tickets", self.by_id.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn tickets_that_nobody_redeems_do_not_fill_memory() {
        let memory = Memory { max_bytes: 10, held: Mutex::default() };
        let insert = |id: &str, now| memory.insert(id.to_owned(), "token", at(now + 30), at(now));
        insert("1", 0).unwrap();
        insert("2", 0).unwrap();
        assert!(matches!(insert("3", 0), Err(NoTicket::Overloaded)));
        assert_eq!(memory.take("2"), Some(("token".to_owned(), at(30))));
        assert_eq!(memory.take("2"), None);
        insert("3", 0).unwrap();
        insert("4", 30).unwrap();
        assert_eq!(memory.held.lock().unwrap().bytes, 5);
    }
}
