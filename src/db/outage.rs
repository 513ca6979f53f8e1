//! A failure that repeats itself, logged once.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

/// Logs the first failure of a series and the success that ends it, however many failures lie between: a full disk or a
/// database that is away fails every call, and a line for each would bury everything else.
#[derive(Debug)]
pub(super) struct Outage {
    what: &'static str,
    level: log::Level,
    lasts: AtomicBool,
}

impl Outage {
    pub(super) fn new(what: &'static str, level: log::Level) -> Self {
        Self { what, level, lasts: AtomicBool::new(false) }
    }

    pub(super) fn failed(&self, why: &dyn Display) {
        let level = if self.lasts.swap(true, Ordering::Relaxed) { log::Level::Debug } else { self.level };
        log::log!(level, "{} failed, and may for a while: {why}", self.what);
    }

    pub(super) fn succeeded(&self) {
        // Read first: this is called on every success, by many threads.
        if self.lasts.load(Ordering::Relaxed) && self.lasts.swap(false, Ordering::Relaxed) {
            log::info!("{} succeed again", self.what);
        }
    }
}
