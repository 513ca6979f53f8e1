//! Who runs and who waits: decided by arrival, by the server's slots and by each user's own limit.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::watch;

use crate::ids::UserId;

/// How many callers of one user may be in line.
pub(crate) const WAITING_PER_USER: usize = 4;

/// Where a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In line, at this place: 1 is the front. Who waits only for its own user's limit may be passed by those
    /// behind.
    InLine(usize),
    /// Its slot is reserved.
    Called,
}

/// The line and the slots.
#[derive(Debug)]
pub(super) struct Line {
    slots: usize,
    longest: usize,
    next_id: u64,
    /// In the order of arrival.
    waiting: VecDeque<Waiting>,
    /// The user of each caller that has a slot.
    running: BTreeMap<u64, UserId>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    user: UserId,
    /// How many of this user may run at once.
    at_once: usize,
    place: watch::Sender<Place>,
}

impl Line {
    /// At least one slot, so that callers are served at all.
    pub(super) fn new(slots: usize, longest: usize) -> Self {
        Self { slots: slots.max(1), longest, next_id: 0, waiting: VecDeque::new(), running: BTreeMap::new() }
    }

    /// Joins the line; `None` if it is full for this user. Whoever can run at once needs no place in it.
    pub(super) fn join(&mut self, user: UserId, at_once: usize) -> Option<(u64, watch::Receiver<Place>)> {
        let id = self.next_id;
        let (sender, place) = watch::channel(Place::InLine(self.waiting.len() + 1));
        let caller = Waiting { id, user, at_once: at_once.max(1), place: sender };
        let own = self.waiting.iter().filter(|waiting| waiting.user == user).count();
        let is_full = self.waiting.len() >= self.longest || own >= WAITING_PER_USER;
        if is_full && !self.can_run(&caller) {
            return None;
        }
        self.next_id += 1;
        self.waiting.push_back(caller);
        self.advance();
        Some((id, place))
    }

    /// Takes a caller out of the line, or back its slot.
    pub(super) fn leave(&mut self, id: u64) {
        if self.running.remove(&id).is_none() {
            self.waiting.retain(|caller| caller.id != id);
        }
        self.advance();
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether this caller would get a slot now. Nobody in line can, so it passes only who waits for their
    /// own limit.
    fn can_run(&self, caller: &Waiting) -> bool {
        let own = self.running.values().filter(|user| **user == caller.user).count();
        self.running.len() < self.slots && own < caller.at_once
    }

    /// Calls everybody who can run, the earliest first, and tells the others their places.
    fn advance(&mut self) {
        while let Some(at) = self.waiting.iter().position(|caller| self.can_run(caller)) {
            let Some(caller) = self.waiting.remove(at) else { break };
            self.running.insert(caller.id, caller.user);
            caller.place.send_replace(Place::Called);
        }
        for (ahead, caller) in self.waiting.iter().enumerate() {
            caller.place.send_if_modified(|place| {
                let now = Place::InLine(ahead + 1);
                std::mem::replace(place, now) != now
            });
        }
    }

    /// Panics unless everything holds that must hold between two calls.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert!(self.running.len() <= self.slots, "more run than there are slots");
        assert!(self.waiting.len() <= self.longest, "the line is too long");
        assert!(!self.waiting.iter().any(|caller| self.can_run(caller)), "somebody waits who could run");
        assert!(self.waiting.iter().is_sorted_by_key(|caller| caller.id), "not in the order of arrival");
        for (ahead, caller) in self.waiting.iter().enumerate() {
            assert_eq!(*caller.place.borrow(), Place::InLine(ahead + 1));
            let own = self.waiting.iter().filter(|other| other.user == caller.user).count();
            assert!(own <= WAITING_PER_USER, "one user fills the line");
        }
    }
}
