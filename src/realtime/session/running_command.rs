//! The command that a session runs at the moment, which a server that stops lets finish.

use std::cell::Cell;

use crate::protocol::close::CloseReason;

/// Whether a command runs, and why the connection is to be closed after it.
#[derive(Debug, Default)]
pub(super) struct RunningCommand {
    runs: Cell<bool>,
    close_after: Cell<Option<CloseReason>>,
}

impl RunningCommand {
    pub(super) fn begin(&self) {
        self.runs.set(true);
    }

    /// Asks for the connection to be closed after the command; returns `false` if none runs.
    pub(super) fn close_after(&self, reason: CloseReason) -> bool {
        if self.runs.get() {
            self.close_after.set(Some(reason));
        }
        self.runs.get()
    }

    /// The command has been answered; returns why to close the connection now.
    pub(super) fn end(&self) -> Option<CloseReason> {
        self.runs.set(false);
        self.close_after.take()
    }
}
