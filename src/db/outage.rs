//! Log suppression for repeated failures, and since when they last. Decides not what a failure means.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Logs the first failure of a series and the success that ends it. A full disk or an unreachable database
/// fails every call, and one line each would bury everything else.
#[derive(Debug)]
pub(super) struct Outage {
    what: &'static str,
    level: log::Level,
    /// The first failure of the series; `None` while calls succeed.
    since: Mutex<Option<Instant>>,
    /// Whether there is one, for the many calls that succeed.
    lasts: AtomicBool,
}

impl Outage {
    pub(super) fn new(what: &'static str, level: log::Level) -> Self {
        Self { what, level, since: Mutex::default(), lasts: AtomicBool::new(false) }
    }

    pub(super) fn failed(&self, why: &dyn Display) {
        let is_first = self.change(|since| {
            let is_first = since.is_none();
            since.get_or_insert_with(Instant::now);
            is_first
        });
        let level = if is_first { self.level } else { log::Level::Debug };
        log::log!(level, "{} failed, and may for a while: {why}", self.what);
    }

    pub(super) fn succeeded(&self) {
        // A plain load first: this runs on every success, on many threads, which would contend for the lock.
        if self.lasts.load(Ordering::Relaxed) && self.change(Option::take).is_some() {
            log::info!("{} succeed again", self.what);
        }
    }

    /// For how long the series of failures has lasted; `None` while calls succeed.
    pub(super) fn lasts_for(&self) -> Option<Duration> {
        self.change(|since| since.map(|since| since.elapsed()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Option<Instant>) -> T) -> T {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut since);
        self.lasts.store(since.is_some(), Ordering::Relaxed);
        changed
    }
}
