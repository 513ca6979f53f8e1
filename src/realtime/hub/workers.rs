//! The LocalHubs that have been started, and the way by which ended rights, and sessions that must close, reach them
//! without fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix::Addr;
use actix::dev::SendError;
use tokio::sync::oneshot;

use super::local::{LocalActor, ToLocalHub};
use super::parcel::WorkerId;
use crate::events::Ending;
use crate::ids::ConnectionId;
use crate::realtime::close::CloseReason;

/// Orders that may wait for one worker. Beyond it, all its sessions are made to come back through the handshake.
const ORDERS: usize = 4_096;

/// All workers of a hub.
#[derive(Default)]
pub(super) struct Workers(RwLock<Vec<Arc<Worker>>>);

/// One worker thread's LocalHub, as other threads see it.
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) address: Addr<LocalActor>,
    /// Beside the mailbox, since a right that ended must not be forgotten because that was full.
    orders: Mutex<Orders>,
}

/// What a worker must do, however busy it is.
pub(super) enum Order {
    /// A right ended: whatever hung on it goes.
    End(Ending),
    /// One session is to close; the answer says whether it was there.
    Close { connection: ConnectionId, reason: CloseReason, reply: oneshot::Sender<bool> },
}

/// What a worker has not acted on yet.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) listed: Vec<Order>,
    /// There were more than fit: nobody's right is certain.
    pub(super) overflowed: bool,
}

impl Workers {
    /// Adds a worker thread's LocalHub.
    pub(super) fn add(&self, address: Addr<LocalActor>) -> Arc<Worker> {
        let mut workers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = WorkerId(u32::try_from(workers.len()).unwrap_or(u32::MAX));
        let worker = Arc::new(Worker { id, address, orders: Mutex::default() });
        workers.push(worker.clone());
        worker
    }

    pub(super) fn all(&self) -> Vec<Arc<Worker>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells every worker that rights ended.
    pub(super) fn end(&self, endings: Vec<Ending>) {
        for worker in self.all() {
            worker.order(endings.iter().cloned().map(Order::End));
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
            worker.order(std::iter::once(Order::Close { connection, reason, reply }));
            answer
        });
        asked.collect()
    }
}

impl Worker {
    fn order(&self, orders: impl ExactSizeIterator<Item = Order>) {
        self.lock().add(orders);
        match self.address.try_send(ToLocalHub::Orders) {
            // When the mailbox is full, the next tick finds them.
            Ok(()) | Err(SendError::Full(_)) => {}
            // Its thread has ended, and its sessions with it: nobody is left to act or to answer.
            Err(SendError::Closed(_)) => drop(self.take_orders()),
        }
    }

    pub(super) fn take_orders(&self) -> Orders {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    fn add(&mut self, orders: impl ExactSizeIterator<Item = Order>) {
        if self.listed.len() + orders.len() > ORDERS {
            self.listed.clear();
            self.overflowed = true;
        }
        if !self.overflowed {
            self.listed.extend(orders);
        }
    }
}
