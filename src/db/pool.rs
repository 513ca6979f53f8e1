//! Connections that wait for their next unit of work. How many may be in use, and who waits for one, is `open`'s.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::DbConnection;
use super::connection::{ConnectError, Manager};

/// An idle connection is closed after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A connection is replaced after this time, which bounds what a PostgreSQL backend accumulates.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// Idle connections; the one that was used last is taken first, so that those that are not needed age.
pub(super) struct Pool {
    manager: Manager,
    idle: Mutex<VecDeque<(Pooled, Instant)>>,
}

/// A connection of the pool.
pub(super) struct Pooled {
    pub(super) connection: DbConnection,
    made: Instant,
}

impl Pool {
    pub(super) fn new(manager: Manager) -> Self {
        Self { manager, idle: Mutex::default() }
    }

    /// An idle connection, which may have broken meanwhile.
    pub(super) fn take(&self) -> Option<Pooled> {
        self.with_idle(|idle| idle.pop_back().map(|(pooled, _)| pooled))
    }

    /// A new connection, opened on this thread.
    pub(super) fn connect(&self) -> Result<Pooled, ConnectError> {
        Ok(Pooled { connection: self.manager.establish()?, made: Instant::now() })
    }

    /// Takes a connection back that is in order. One that may not be is dropped instead.
    pub(super) fn put(&self, pooled: Pooled) {
        let too_old = self.with_idle(|idle| {
            let is_unused = |(_, since): &(Pooled, Instant)| since.elapsed() > IDLE_TIMEOUT;
            let unused = idle.pop_front_if(|waiting| is_unused(waiting));
            if pooled.made.elapsed() > MAX_AGE {
                return (unused, Some(pooled));
            }
            idle.push_back((pooled, Instant::now()));
            (unused, None)
        });
        // Closed without the lock.
        drop(too_old);
    }

    /// Closes all idle connections.
    pub(super) fn clear(&self) {
        drop(self.with_idle(std::mem::take));
    }

    fn with_idle<T>(&self, with: impl FnOnce(&mut VecDeque<(Pooled, Instant)>) -> T) -> T {
        with(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
