//! The [`ConnectionHandle`] of a polling connection.

use std::cell::Cell;

use tokio::sync::Notify;

use crate::hub::Outbox;
use crate::protocol::close::CloseReason;
use crate::realtime::connection::ConnectionHandle;

/// Ends the connection's outbox and records how it ends; `PollingConnection` does the rest.
pub(super) struct PollingHandle {
    outbox: Outbox,
    close_state: Cell<Option<CloseState>>,
    close_reason: Cell<Option<CloseReason>>,
    changed: Notify,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseState {
    /// The client closed it.
    Left,
    /// The server closed it: what waits is sent first.
    Closed,
    /// Either side aborted it: nothing more is sent.
    Aborted,
}

impl PollingHandle {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, close_state: Cell::new(None), close_reason: Cell::new(None), changed: Notify::new() }
    }

    pub(super) fn close_state(&self) -> Option<CloseState> {
        self.close_state.get()
    }

    /// The bytes that wait for the client in the outbox.
    pub(super) fn queued_bytes(&self) -> usize {
        self.outbox.progress().waiting
    }

    /// Completes when the close state has changed since the last call.
    pub(super) async fn closing(&self) -> CloseState {
        loop {
            self.changed.notified().await;
            if let Some(close_state) = self.close_state.get() {
                return close_state;
            }
        }
    }

    fn begin(&self, close_state: CloseState) {
        self.close_state.set(Some(close_state));
        self.changed.notify_one();
    }
}

impl ConnectionHandle for PollingHandle {
    fn close(&self, reason: CloseReason) {
        if self.is_closing() {
            return;
        }
        self.close_reason.set(Some(reason));
        if reason == CloseReason::SlowConsumer {
            self.outbox.clear();
        }
        // A silent client takes nothing any more.
        if reason == CloseReason::Silent {
            return self.abort();
        }
        self.outbox.end();
        self.begin(CloseState::Closed);
    }

    fn end(&self) {
        if !self.is_closing() {
            self.outbox.end();
            self.begin(CloseState::Left);
        }
    }

    fn abort(&self) {
        self.outbox.close();
        self.begin(CloseState::Aborted);
    }

    fn is_closing(&self) -> bool {
        self.close_state.get().is_some()
    }

    fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason.get()
    }
}
