//! One room's events, put in order.
//!
//! Commits report from several threads, so an event may come before the one it follows. Positions are gapless in the log
//! (each is taken under the room's row lock), so whatever is missing has been committed: it is on its way, or it can be read.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::output::PAGE;
use crate::events::Envelope;
use crate::ids::Seq;

/// Early events kept for one room; more are read from the log when their turn comes.
const HELD: usize = 1_024;
const _: () = assert!(PAGE < HELD, "or a page that closes a gap might not show that there is more");

/// Which event is next, and those that came before their turn.
#[derive(Debug)]
pub(super) struct Sequencer {
    next: Seq,
    held: BTreeMap<Seq, Envelope>,
    /// When the oldest gap opened.
    gap_since: Option<Instant>,
}

impl Sequencer {
    /// Begins right after `head`; events that were published before that was known are offered next.
    pub(super) fn after(head: Seq) -> Self {
        Self { next: head.next(), held: BTreeMap::new(), gap_since: None }
    }

    /// The position that the members wait for.
    pub(super) fn next(&self) -> Seq {
        self.next
    }

    /// The last position that had its turn.
    pub(super) fn head(&self) -> Seq {
        Seq(self.next.0.saturating_sub(1))
    }

    /// Takes an event in, unless its turn has passed.
    pub(super) fn offer(&mut self, event: Envelope, now: Instant) {
        if event.seq < self.next {
            return;
        }
        // What does not fit is read from the log: the gap before it will be, and a full page calls for the next one.
        if self.held.len() < HELD || event.seq == self.next {
            self.held.insert(event.seq, event);
        }
        if !self.held.contains_key(&self.next) {
            self.gap_since.get_or_insert(now);
        }
    }

    /// The next event, if it is there.
    pub(super) fn take_ready(&mut self) -> Option<Envelope> {
        let event = self.held.remove(&self.next)?;
        self.next = self.next.next();
        // Whatever gap there is now is a new one; its time starts with the first look at it.
        self.gap_since = None;
        Some(event)
    }

    /// Whether something that was committed has not come, and since when at the latest.
    pub(super) fn gap(&mut self, now: Instant) -> Option<Instant> {
        (!self.held.is_empty()).then(|| *self.gap_since.get_or_insert(now))
    }

    /// A read of the log has begun: if it does not close the gap, that is a new one.
    pub(super) fn reading(&mut self) {
        self.gap_since = None;
    }

    /// Goes on at `seq` where the log itself begins later than expected: what lies between is gone for good.
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
