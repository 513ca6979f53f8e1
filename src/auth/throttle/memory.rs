//! Counts in the memory of the one server of a SQLite file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::limits::{Buckets, Limited};

use super::budget::{Budget, Key};

/// Failed attempts, and those that are being verified.
#[derive(Debug)]
pub(super) struct Memory {
    clock: Clock,
    counts: Mutex<Counts>,
    /// Notified whenever an attempt was verified or abandoned.
    finished: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    failed: Buckets<Key>,
    /// Bounded by the queue for password hashes.
    in_progress: HashMap<Key, u32>,
}

impl Memory {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, counts: Mutex::default(), finished: Notify::new() }
    }

    /// Counts a failure at once, if the budget allows it.
    pub(super) fn take(&self, budget: &Budget) -> Result<(), Limited> {
        let now = self.clock.now();
        self.lock().failed.of(budget.key, now).take(budget.quota, now).map(drop)
    }

    /// Whether the budget has something left.
    pub(super) fn look(&self, budget: &Budget) -> Result<(), Limited> {
        self.lock().failed.get(&budget.key).look(budget.quota, self.clock.now()).map(drop)
    }

    /// Begins an attempt; waits where others must be verified first.
    pub(super) async fn begin(self: &Arc<Self>, budgets: Vec<Budget>) -> Result<Attempt, Limited> {
        loop {
            let finished = self.finished.notified();
            tokio::pin!(finished);
            // Enabled before the check, so that no outcome between the check and the wait is missed.
            finished.as_mut().enable();
            if self.try_begin(&budgets)? {
                return Ok(Attempt { memory: self.clone(), budgets });
            }
            finished.await;
        }
    }

    /// Whether the attempt has begun; `false` where others must be verified first.
    fn try_begin(&self, budgets: &[Budget]) -> Result<bool, Limited> {
        let now = self.clock.now();
        let mut counts = self.lock();
        let mut is_free = true;
        for Budget { key, quota } in budgets {
            let left = counts.failed.get(key).look(*quota, now)?.remaining;
            is_free &= counts.in_progress.get(key).copied().unwrap_or_default() < left;
        }
        if is_free {
            for budget in budgets {
                *counts.in_progress.entry(budget.key).or_default() += 1;
            }
        }
        Ok(is_free)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attempts that are being verified.
    #[cfg(test)]
    pub(super) fn in_progress(&self) -> usize {
        self.lock().in_progress.len()
    }
}

/// An attempt that is being verified; its places are free when it is dropped.
#[derive(Debug)]
pub(crate) struct Attempt {
    memory: Arc<Memory>,
    budgets: Vec<Budget>,
}

impl Attempt {
    /// Counts it as failed.
    pub(super) fn wrong(self) {
        let now = self.memory.clock.now();
        let mut counts = self.memory.lock();
        for Budget { key, quota } in &self.budgets {
            counts.failed.of(*key, now).charge(*quota, now);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut counts = self.memory.lock();
        for Budget { key, .. } in &self.budgets {
            if let Some(count) = counts.in_progress.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    counts.in_progress.remove(key);
                }
            }
        }
        drop(counts);
        self.memory.finished.notify_waiters();
    }
}
