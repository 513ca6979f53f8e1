//! The server asks, the client answers; who does not is gone.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::rt::task::JoinHandle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::hub::{Delivery, Outbox};
use crate::protocol::close::CloseReason;
use crate::protocol::engineio::PING;
use crate::protocol::frame;
use crate::realtime::connection::ConnectionHandle;

use super::EngineLimits;

/// A connection's heartbeat; it stops when this is dropped.
pub(super) struct Heartbeat {
    pong: Rc<PongState>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct PongState {
    answered: Notify,
    /// Nobody is reading what the client says, so that an answer may lie there unheard.
    is_paused: Cell<bool>,
}

impl Heartbeat {
    /// Asks after the interval, and again after each answer.
    pub(super) fn start(outbox: &Outbox, handle: Rc<dyn ConnectionHandle>, limits: &EngineLimits) -> Self {
        let pong = Rc::new(PongState::default());
        let (pong_state, outbox) = (pong.clone(), outbox.clone());
        let EngineLimits { ping_interval, ping_timeout, .. } = *limits;
        let ask = frame::text(|to| to.extend_from_slice(PING.as_bytes()));
        let mut asks_at = Instant::now() + ping_interval;
        let task = actix_web::rt::spawn(async move {
            loop {
                sleep_until(asks_at).await;
                if handle.is_closing() {
                    return;
                }
                // A client that cannot take a ping is found by the watch over its outbox.
                let _ = outbox.push(ask.clone(), Delivery::Droppable);
                let mut answer_by = asks_at + ping_timeout;
                while timeout_at(answer_by, pong_state.answered.notified()).await.is_err() {
                    if !pong_state.is_paused.get() {
                        return handle.close(CloseReason::Silent);
                    }
                    answer_by = Instant::now() + ping_timeout;
                }
                asks_at = Instant::now() + ping_interval;
            }
        });
        Self { pong, task }
    }

    /// The client answered.
    pub(super) fn answered(&self) {
        // An answer to nothing is no answer: it must not be kept for the next question.
        self.pong.answered.notify_waiters();
    }

    /// Whether whoever reads the client's messages is busy with one.
    pub(super) fn set_paused(&self, is_paused: bool) {
        self.pong.is_paused.set(is_paused);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
