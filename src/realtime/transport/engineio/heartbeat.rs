//! The server asks, the client answers; who does not is gone.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::rt::task::JoinHandle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::EngineLimits;
use crate::realtime::close::CloseReason;
use crate::realtime::hub::{Delivery, Outbox};
use crate::realtime::protocol::engineio::PING;
use crate::realtime::protocol::frame;
use crate::realtime::transport::Wire;

/// A connection's heartbeat; it stops when this is dropped.
pub(super) struct Heartbeat {
    pulse: Rc<Pulse>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Pulse {
    answered: Notify,
    /// Nobody is reading what the client says, so that an answer may lie there unheard.
    is_deaf: Cell<bool>,
}

impl Heartbeat {
    /// Asks after the interval, and again after each answer.
    pub(super) fn start(outbox: &Outbox, wire: Rc<dyn Wire>, limits: &EngineLimits) -> Self {
        let pulse = Rc::new(Pulse::default());
        let (beat, outbox) = (pulse.clone(), outbox.clone());
        let EngineLimits { ping_interval, ping_timeout, .. } = *limits;
        let ask = frame::text(|to| to.extend_from_slice(PING.as_bytes()));
        let mut asks_at = Instant::now() + ping_interval;
        let task = actix_web::rt::spawn(async move {
            loop {
                sleep_until(asks_at).await;
                if wire.is_closing() {
                    return;
                }
                // A client that cannot take a ping is found by the watch over its outbox.
                let _ = outbox.push(ask.clone(), Delivery::Droppable);
                let mut answer_by = asks_at + ping_timeout;
                while timeout_at(answer_by, beat.answered.notified()).await.is_err() {
                    if !beat.is_deaf.get() {
                        return wire.close(CloseReason::Silent);
                    }
                    answer_by = Instant::now() + ping_timeout;
                }
                asks_at = Instant::now() + ping_interval;
            }
        });
        Self { pulse, task }
    }

    /// The client answered.
    pub(super) fn answered(&self) {
        // An answer to nothing is no answer: it must not be kept for the next question.
        self.pulse.answered.notify_waiters();
    }

    /// Whether whoever reads the client's messages is busy with one.
    pub(super) fn set_deaf(&self, is_deaf: bool) {
        self.pulse.is_deaf.set(is_deaf);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
