//! The texts of one kind that are being written or followed on this process, by what they belong to, and why
//! the last ones failed.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::ids::UserId;

use super::writing::{Failure, Writing};

/// How many failures are remembered, for those who ask later.
const REMEMBERED: usize = 1_000;

/// How many of them are those of one user.
const REMEMBERED_PER_USER: usize = 50;

/// Texts with ids `I`, one at a time for each `K`.
pub(super) struct Texts<K, I> {
    writings: Mutex<HashMap<K, Weak<Writing<I>>>>,
    failures: Mutex<VecDeque<Failed<K, I>>>,
}

/// A text that failed.
struct Failed<K, I> {
    of: K,
    user: UserId,
    id: I,
    failure: Failure,
}

impl<K, I> Default for Texts<K, I> {
    fn default() -> Self {
        Self { writings: Mutex::default(), failures: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash, I: Copy + PartialEq + Send + Sync + 'static> Texts<K, I> {
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

    /// Remembers why a text of this user failed, instead of what came of it before.
    pub(super) fn remember(&self, of: K, user: UserId, id: I, failure: Failure) {
        let mut failures = lock(&self.failures);
        failures.retain(|failed| failed.of != of || failed.id != id);
        if failures.iter().filter(|failed| failed.user == user).count() >= REMEMBERED_PER_USER
            && let Some(oldest) = failures.iter().position(|failed| failed.user == user)
        {
            failures.remove(oldest);
        }
        if failures.len() >= REMEMBERED {
            failures.pop_front();
        }
        failures.push_back(Failed { of, user, id, failure });
    }

    /// Why the text that `is_it` knows by its id failed, the last time that it did.
    pub(super) fn failure(&self, of: K, is_it: impl Fn(&I) -> bool) -> Option<Failure> {
        let failures = lock(&self.failures);
        let failed = failures.iter().rev().find(|failed| failed.of == of && is_it(&failed.id))?;
        Some(failed.failure.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn nobody_has_the_failures_of_others_forgotten() {
        let user = || UserId::new(Clock::system().now());
        let (ana, eve) = (user(), user());
        let texts = Texts::<u32, u32>::default();
        let known = |id| texts.failure(1, |it| *it == id);
        texts.remember(1, ana, 0, Failure::ABANDONED);
        for id in 1..=2_000 {
            texts.remember(1, eve, id, Failure::ABANDONED);
        }
        assert_eq!(known(0), Some(Failure::ABANDONED));
        assert_eq!((known(1_950), known(1_951)), (None, Some(Failure::ABANDONED)));
        for _ in 0..100 {
            texts.remember(1, eve, 2_000, Failure::CANCELLED);
        }
        assert_eq!(known(2_000), Some(Failure::CANCELLED));
        assert_eq!(known(1_951), Some(Failure::ABANDONED), "one text is remembered once");
    }
}
