//! The LocalHubs that have been started, and the way by which ended rights, and sessions that must close, reach them
//! without fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix::Recipient;
use actix::dev::SendError;
use tokio::sync::oneshot;

use crate::events::Revocation;
use crate::ids::ConnectionId;
use crate::protocol::close::CloseReason;

use super::message::{ToLocalHub, WorkerId};

/// Orders that may wait for one worker. Beyond it, all its sessions are made to come back through the handshake.
const MAX_COMMANDS: usize = 4_096;

/// All workers of a hub.
#[derive(Default)]
pub(super) struct Workers(RwLock<Vec<Arc<Worker>>>);

/// One worker thread's LocalHub, as other threads see it.
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) address: Recipient<ToLocalHub>,
    /// Beside the mailbox, since a right that ended must not be forgotten because that was full.
    commands: Mutex<WorkerCommands>,
}

/// What a worker must do, however busy it is.
pub(super) enum WorkerCommand {
    /// A right ended: whatever hung on it goes.
    End(Revocation),
    /// One session is to close; the answer says whether it was there.
    Close { connection: ConnectionId, reason: CloseReason, reply: oneshot::Sender<bool> },
}

/// What a worker has not acted on yet.
#[derive(Default)]
pub(super) struct WorkerCommands {
    pub(super) listed: Vec<WorkerCommand>,
    /// There were more than fit: nobody's right is certain.
    pub(super) overflowed: bool,
}

impl Workers {
    /// Adds a worker thread's LocalHub.
    pub(super) fn add(&self, address: Recipient<ToLocalHub>) -> Arc<Worker> {
        let mut workers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = WorkerId(u32::try_from(workers.len()).unwrap_or(u32::MAX));
        let worker = Arc::new(Worker { id, address, commands: Mutex::default() });
        workers.push(worker.clone());
        worker
    }

    pub(super) fn all(&self) -> Vec<Arc<Worker>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells every worker that rights ended.
    pub(super) fn end(&self, revocations: Vec<Revocation>) {
        for worker in self.all() {
            worker.command(revocations.iter().cloned().map(WorkerCommand::End));
        }
    }

    /// Has every worker look for the session and close it; who has ended has none.
    pub(super) fn close(
        &self,
        connection: ConnectionId,
        reason: CloseReason,
    ) -> Vec<oneshot::Receiver<bool>> {
        let asked = self.all().into_iter().map(|worker| {
            let (reply, answer) = oneshot::channel();
            worker.command(std::iter::once(WorkerCommand::Close { connection, reason, reply }));
            answer
        });
        asked.collect()
    }
}

impl Worker {
    fn command(&self, commands: impl ExactSizeIterator<Item = WorkerCommand>) {
        self.lock().add(commands);
        match self.address.try_send(ToLocalHub::WorkerCommands) {
            // When the mailbox is full, the next tick finds them.
            Ok(()) | Err(SendError::Full(_)) => {}
            // Its thread has ended, and its sessions with it: nobody is left to act or to answer.
            Err(SendError::Closed(_)) => drop(self.take_commands()),
        }
    }

    pub(super) fn take_commands(&self) -> WorkerCommands {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, WorkerCommands> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkerCommands {
    fn add(&mut self, commands: impl ExactSizeIterator<Item = WorkerCommand>) {
        if self.listed.len() + commands.len() > MAX_COMMANDS {
            self.listed.clear();
            self.overflowed = true;
        }
        if !self.overflowed {
            self.listed.extend(commands);
        }
    }
}
