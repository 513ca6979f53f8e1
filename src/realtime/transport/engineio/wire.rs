//! The hold on a connection that polls.

use std::cell::Cell;

use tokio::sync::Notify;

use crate::realtime::close::CloseReason;
use crate::realtime::hub::Outbox;
use crate::realtime::transport::Wire;

/// Ends the connection by its outbox; the courier looks at the rest.
pub(super) struct PollingWire {
    outbox: Outbox,
    ending: Cell<Option<Ending>>,
    closed_for: Cell<Option<CloseReason>>,
    changed: Notify,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client wants that.
    Left,
    /// We do: what waits goes out first.
    Closed,
    /// At once.
    Cut,
}

impl PollingWire {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, ending: Cell::new(None), closed_for: Cell::new(None), changed: Notify::new() }
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.get()
    }

    /// Whether something waits for the client.
    pub(super) fn has_waiting(&self) -> bool {
        self.outbox.progress().waiting > 0
    }

    /// Completes when the ending has changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn begin(&self, ending: Ending) {
        self.ending.set(Some(ending));
        self.changed.notify_one();
    }
}

impl Wire for PollingWire {
    fn close(&self, reason: CloseReason) {
        if self.is_closing() {
            return;
        }
        self.closed_for.set(Some(reason));
        if reason == CloseReason::SlowConsumer {
            self.outbox.clear();
        }
        // Who has fallen silent takes nothing any more.
        if reason == CloseReason::Silent {
            return self.cut();
        }
        self.outbox.end();
        self.begin(Ending::Closed);
    }

    fn end(&self) {
        if !self.is_closing() {
            self.outbox.end();
            self.begin(Ending::Left);
        }
    }

    fn cut(&self) {
        self.outbox.close();
        self.begin(Ending::Cut);
    }

    fn is_closing(&self) -> bool {
        self.ending.get().is_some()
    }

    fn closed_for(&self) -> Option<CloseReason> {
        self.closed_for.get()
    }
}
