//! The LocalHubs that were started, and what waits for them beside their mailboxes: the messages to rooms, and the
//! command lists by which revocations and requests to close sessions reach them even if their mailboxes are full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix::Recipient;
use actix::dev::SendError;
use tokio::sync::oneshot;

use crate::events::Revocation;
use crate::ids::ConnectionId;
use crate::protocol::close::CloseReason;

use super::deliveries::{Deliveries, Refused};
use super::message::{RoomMessage, ToLocalHub, WorkerId};

/// Commands that may wait for one worker. Beyond that, all its sessions are closed and must authenticate
/// again.
const MAX_COMMANDS: usize = 4_096;

/// The workers of a hub, indexed by `WorkerId`.
#[derive(Default)]
pub(super) struct Workers(RwLock<Vec<Arc<Worker>>>);

/// One worker thread's LocalHub, as other threads see it.
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) address: Recipient<ToLocalHub>,
    pub(super) deliveries: Deliveries,
    /// Kept outside of the mailbox, because a revocation must not be lost when that is full.
    commands: Mutex<WorkerCommands>,
}

/// What a worker must do even when its mailbox is full.
pub(super) enum WorkerCommand {
    /// A right ended: evict the sessions and memberships that depend on it.
    End(Revocation),
    /// Close one session; the reply says whether it was on this worker.
    Close { connection: ConnectionId, reason: CloseReason, reply: oneshot::Sender<bool> },
}

/// Commands that a worker has not run yet.
#[derive(Default)]
pub(super) struct WorkerCommands {
    pub(super) listed: Vec<WorkerCommand>,
    /// There were more commands than fit, so it is unknown whose rights ended.
    pub(super) overflowed: bool,
}

impl Workers {
    /// Adds a worker thread's LocalHub.
    pub(super) fn add(&self, address: Recipient<ToLocalHub>) -> Arc<Worker> {
        let mut workers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = WorkerId(u32::try_from(workers.len()).unwrap_or(u32::MAX));
        let worker =
            Arc::new(Worker { id, address, deliveries: Deliveries::default(), commands: Mutex::default() });
        workers.push(worker.clone());
        worker
    }

    pub(super) fn get(&self, id: WorkerId) -> Option<Arc<Worker>> {
        let workers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        workers.get(usize::try_from(id.0).ok()?).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Worker>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the revocations to every worker.
    pub(super) fn end(&self, revocations: Vec<Revocation>) {
        for worker in self.all() {
            worker.command(revocations.iter().cloned().map(WorkerCommand::End));
        }
    }

    /// Asks every worker to close the session; a worker that has ended drops its reply.
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
    /// Adds a message to a room, unless too much waits already.
    pub(super) fn deliver(&self, message: RoomMessage) -> Result<(), Refused> {
        if !self.deliveries.push(message)? {
            return Ok(());
        }
        match self.address.try_send(ToLocalHub::Deliveries) {
            // If the mailbox is full, the worker finds the message after the next one of its mailbox.
            Ok(()) | Err(SendError::Full(_)) => Ok(()),
            Err(SendError::Closed(_)) => {
                self.deliveries.clear();
                Err(Refused)
            }
        }
    }

    fn command(&self, commands: impl ExactSizeIterator<Item = WorkerCommand>) {
        self.lock().add(commands);
        match self.address.try_send(ToLocalHub::WorkerCommands) {
            // If the mailbox is full, the worker finds the commands at its next tick.
            Ok(()) | Err(SendError::Full(_)) => {}
            // The worker's thread has ended, and its sessions with it: nobody can run the commands or answer.
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
