//! How many connections there may be, and some more, whose clients are told that there are too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Further connections per worker thread: they are answered 503, probes as ever, and closed after that. Beyond them, new
/// ones wait in the backlog.
pub(crate) const SURPLUS: usize = 32;

/// The permits for connections of all worker threads together.
#[derive(Clone, Debug)]
pub(super) struct ConnectionPermits {
    taken: Arc<AtomicUsize>,
    there_are: usize,
}

impl ConnectionPermits {
    pub(super) fn new(there_are: usize) -> Self {
        Self { taken: Arc::default(), there_are }
    }

    pub(super) fn take(&self) -> ConnectionPermit {
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        ConnectionPermit { taken: self.taken.clone(), is_surplus: before >= self.there_are }
    }
}

/// A connection's permit, which it has until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    taken: Arc<AtomicUsize>,
    is_surplus: bool,
}

impl ConnectionPermit {
    /// Whether all permits were taken.
    pub(super) fn is_surplus(&self) -> bool {
        self.is_surplus
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
