//! Whether Redis is connected, and why not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The state of the bus's connection, for who asks. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct BusStatus(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    is_connected: bool,
    since: Instant,
    last_error: Option<&'static str>,
}

/// The state of the bus's connection at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BusConnection {
    /// Whether Redis is connected.
    pub(crate) is_connected: bool,
    /// For how long it has been so.
    pub(crate) lasts_for: Duration,
    /// What kind of error the connection last ended with, or was refused with; `None` if there was none yet.
    pub(crate) last_error: Option<&'static str>,
}

impl BusStatus {
    /// Not connected yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { is_connected: false, since: Instant::now(), last_error: None })))
    }

    /// The state now.
    pub(crate) fn connection(&self) -> BusConnection {
        self.with(|state| BusConnection {
            is_connected: state.is_connected,
            lasts_for: state.since.elapsed(),
            last_error: state.last_error,
        })
    }

    pub(super) fn connected(&self) {
        self.with(|state| state.set_connected(true));
    }

    /// The connection has ended, or there is none, because of an error of this kind.
    pub(super) fn failed(&self, kind: &'static str) {
        self.with(|state| {
            state.set_connected(false);
            state.last_error = Some(kind);
        });
    }

    fn with<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn set_connected(&mut self, is_connected: bool) {
        if self.is_connected != is_connected {
            self.is_connected = is_connected;
            self.since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_tells_the_last_error_and_lasts_until_it_changes() {
        let status = BusStatus::new();
        assert_eq!(status.connection().last_error, None);
        status.failed("refused");
        let first = status.connection();
        assert_eq!((first.is_connected, first.last_error), (false, Some("refused")));
        status.failed("closed");
        let still = status.connection();
        assert!(still.lasts_for >= first.lasts_for, "the same outage");
        assert_eq!(still.last_error, Some("closed"));
        status.connected();
        let connected = status.connection();
        assert!(connected.is_connected && connected.last_error.is_some(), "{connected:?}");
    }
}
