//! Log suppression for repeated failures. Decides only when to log, not what a failure means.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

/// Logs the first failure of a series and the success that ends it. A full disk or an unreachable database
/// fails every call, and one line each would bury everything else.
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
        // A plain load first: this runs on every success, on many threads, and `swap` would contend for the
        // cache line.
        if self.lasts.load(Ordering::Relaxed) && self.lasts.swap(false, Ordering::Relaxed) {
            log::info!("{} succeed again", self.what);
        }
    }
}
