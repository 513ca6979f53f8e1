//! The LocalHubs that have been started, and the way by which ended rights reach them without fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix::Addr;

use super::local::{LocalActor, ToLocalHub};
use super::parcel::WorkerId;
use crate::events::Ending;

/// Endings that may wait for one worker. Beyond it, all its sessions are made to come back through the handshake.
const ENDINGS: usize = 4_096;

/// All workers of a hub.
#[derive(Default)]
pub(super) struct Workers(RwLock<Vec<Arc<Worker>>>);

/// One worker thread's LocalHub, as other threads see it.
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) address: Addr<LocalActor>,
    /// Beside the mailbox, since a right that ended must not be forgotten because that was full.
    endings: Mutex<Endings>,
}

/// Rights that ended and that a worker has not acted on.
#[derive(Default)]
pub(super) struct Endings {
    pub(super) listed: Vec<Ending>,
    /// There were more than fit: nobody's right is certain.
    pub(super) overflowed: bool,
}

impl Workers {
    /// Adds a worker thread's LocalHub.
    pub(super) fn add(&self, address: Addr<LocalActor>) -> Arc<Worker> {
        let mut workers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = WorkerId(u32::try_from(workers.len()).unwrap_or(u32::MAX));
        let worker = Arc::new(Worker { id, address, endings: Mutex::default() });
        workers.push(worker.clone());
        worker
    }

    pub(super) fn all(&self) -> Vec<Arc<Worker>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells every worker that rights ended.
    pub(super) fn end(&self, endings: Vec<Ending>) {
        for worker in self.all() {
            worker.lock().add(&endings);
            // When the mailbox is full, the next tick finds them.
            let _ = worker.address.try_send(ToLocalHub::RightsEnded);
        }
    }
}

impl Worker {
    pub(super) fn take_endings(&self) -> Endings {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Endings> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endings {
    fn add(&mut self, endings: &[Ending]) {
        if self.listed.len() + endings.len() > ENDINGS {
            self.listed.clear();
            self.overflowed = true;
        }
        if !self.overflowed {
            self.listed.extend_from_slice(endings);
        }
    }
}
