//! The texts of one kind that are being written or followed on this process, by what they belong to, and why
//! the last ones failed.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::writing::{Failure, Writing};

/// How many failures are remembered, for those who ask later.
const REMEMBERED: usize = 1_000;

/// Texts with ids `I`, one at a time for each `K`.
pub(super) struct Texts<K, I> {
    writings: Mutex<HashMap<K, Weak<Writing<I>>>>,
    failures: Mutex<VecDeque<(K, I, Failure)>>,
}

impl<K, I> Default for Texts<K, I> {
    fn default() -> Self {
        Self { writings: Mutex::default(), failures: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash, I: Copy + Send + Sync + 'static> Texts<K, I> {
    /// The text of this owner. It is kept for as long as somebody follows or writes it.
    pub(super) fn writing(&self, of: K) -> Arc<Writing<I>> {
        let mut writings = lock(&self.writings);
        if let Some(writing) = writings.get(&of).and_then(Weak::upgrade) {
            return writing;
        }
        // Those without followers and attempts are dropped whenever the map would have to grow.
        if writings.len() == writings.capacity() {
            writings.retain(|_, writing| writing.strong_count() > 0);
        }
        let writing = Arc::new(Writing::new());
        writings.insert(of, Arc::downgrade(&writing));
        writing
    }

    /// The same, if somebody follows or writes it.
    pub(super) fn known(&self, of: K) -> Option<Arc<Writing<I>>> {
        lock(&self.writings).get(&of).and_then(Weak::upgrade)
    }

    /// The id of the text that is being written, what there is of it, and its place in line.
    pub(super) fn progress(&self, of: K) -> Option<(I, String, Option<usize>)> {
        self.known(of)?.progress()
    }

    /// Remembers why a text failed.
    pub(super) fn remember(&self, of: K, id: I, failure: Failure) {
        let mut failures = lock(&self.failures);
        if failures.len() == REMEMBERED {
            failures.pop_front();
        }
        failures.push_back((of, id, failure));
    }

    /// Why the text that `is_it` knows by its id failed, the last time that it did.
    pub(super) fn failure(&self, of: K, is_it: impl Fn(&I) -> bool) -> Option<Failure> {
        let failures = lock(&self.failures);
        let failed = failures.iter().rev().find(|(owner, id, _)| *owner == of && is_it(id))?;
        Some(failed.2.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
