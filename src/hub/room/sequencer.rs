//! Puts one room's events in order.
//!
//! Commits are reported from several threads, so an event may arrive before its predecessor. Positions in the
//! log have no gaps (each is taken under the room's row lock), so a missing event has been committed: either
//! its report is on its way, or it can be read from the log.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::output::PAGE;
use crate::events::Envelope;
use crate::ids::Seq;

/// Maximum number of events held for one room because they arrived early; further ones are read from the log
/// in their turn.
const HELD: usize = 1_024;
const _: () = assert!(PAGE < HELD, "or a page that closes a gap might not show that there is more");

/// The next position of a room, and the events that arrived before their turn.
#[derive(Debug)]
pub(super) struct Sequencer {
    next: Seq,
    held: BTreeMap<Seq, Envelope>,
    /// The newest position that the log is known to have.
    expected: Seq,
    /// What was expected when the last read of the log began.
    read_for: Seq,
    /// What was held when the last read of the log began: it is in the log, if it is an event at all.
    held_for: Vec<Seq>,
    /// When the current gap was first seen.
    gap_since: Option<Instant>,
}

impl Sequencer {
    /// Starts right after `head`. Events that were reported before the head was known are offered next.
    pub(super) fn after(head: Seq) -> Self {
        Self {
            next: head.next(),
            held: BTreeMap::new(),
            expected: head,
            read_for: head,
            held_for: Vec::new(),
            gap_since: None,
        }
    }

    /// The next position to be sent.
    pub(super) fn next(&self) -> Seq {
        self.next
    }

    /// The last position that was sent.
    pub(super) fn head(&self) -> Seq {
        Seq(self.next.0.saturating_sub(1))
    }

    /// Accepts an event, unless its position has been sent already.
    pub(super) fn offer(&mut self, event: Envelope, now: Instant) {
        if event.seq < self.next {
            return;
        }
        // An event that is not kept is read from the log: the gap before it leads to a read, and a full page
        // to the next one.
        if self.held.len() < HELD || event.seq == self.next {
            self.held.insert(event.seq, event);
        }
        if !self.held.contains_key(&self.next) {
            self.gap_since.get_or_insert(now);
        }
    }

    /// The log has the events up to `seq`: those that have not arrived are missing from now on.
    pub(super) fn expect(&mut self, seq: Seq, now: Instant) {
        self.expected = self.expected.max(seq);
        if self.is_incomplete() {
            self.gap_since.get_or_insert(now);
        }
    }

    fn is_incomplete(&self) -> bool {
        !self.held.is_empty() || self.expected >= self.next
    }

    /// The next event, if it has arrived.
    pub(super) fn take_ready(&mut self) -> Option<Envelope> {
        let event = self.held.remove(&self.next)?;
        self.next = self.next.next();
        // A gap after this event is a new one; its time starts when it is first seen.
        self.gap_since = None;
        Some(event)
    }

    /// Since when an event has been missing; `None` if none is.
    pub(super) fn gap(&mut self, now: Instant) -> Option<Instant> {
        self.is_incomplete().then(|| *self.gap_since.get_or_insert(now))
    }

    /// A read of the log has begun. If it does not close the gap, the gap's time starts again.
    pub(super) fn reading(&mut self) {
        self.read_for = self.expected;
        self.held_for = self.held.keys().copied().collect();
        self.gap_since = None;
    }

    /// The read has reached the end of the log. What was expected before it began and is not there was
    /// deleted, with its room; what was held and is not there was never committed (another node may tell anything).
    pub(super) fn read_to_end(&mut self) {
        for seq in std::mem::take(&mut self.held_for) {
            self.held.remove(&seq);
        }
        if self.expected <= self.read_for {
            self.expected = self.head();
        }
    }

    /// Continues at `seq` because the log has no events before it: what lies between is lost.
    pub(super) fn skip_to(&mut self, seq: Seq) {
        self.next = self.next.max(seq);
        self.held = self.held.split_off(&self.next);
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert!(
            self.held.keys().all(|seq| *seq > self.next),
            "what is held is early; the next one has been taken"
        );
        assert!(self.held.len() <= HELD + 1, "what is held is bounded");
    }
}
