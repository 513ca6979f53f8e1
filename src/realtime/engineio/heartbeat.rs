//! The heartbeat of Engine.IO: the server pings, and a client that does not answer in time is disconnected.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::hub::{Delivery, Outbox};
use crate::protocol::close::CloseReason;
use crate::protocol::engineio::PING;
use crate::protocol::frame;
use crate::realtime::connection::ConnectionHandle;

use super::EngineLimits;

/// Who looks so late was stopped or kept busy, and may not have read an answer that is there.
const HELD_UP: Duration = Duration::from_secs(2);

/// A connection's heartbeat; dropping it stops it.
pub(super) struct Heartbeat {
    pong: Rc<PongState>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct PongState {
    answered: Notify,
    /// The client's messages are not being read because the session is busy, so a pong may have arrived
    /// unread.
    is_paused: Cell<bool>,
}

impl Heartbeat {
    /// Pings after the interval, and again an interval after each answer.
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
                // A client that cannot take a ping is evicted by the hub as a slow consumer.
                let _ = outbox.push(ask.clone(), Delivery::Droppable);
                let mut answer_by = asks_at + ping_timeout;
                while timeout_at(answer_by, pong_state.answered.notified()).await.is_err() {
                    let is_held_up = answer_by.elapsed() >= HELD_UP;
                    if !pong_state.is_paused.get() && !is_held_up {
                        return handle.close(CloseReason::Silent);
                    }
                    answer_by = Instant::now() + ping_timeout;
                }
                asks_at = Instant::now() + ping_interval;
            }
        });
        Self { pong, task }
    }

    /// A pong arrived.
    pub(super) fn answered(&self) {
        // Wakes only a waiting ping: a pong without a ping must not be stored as the answer to the next one.
        self.pong.answered.notify_waiters();
    }

    /// Whether the session is busy with a message, so that no further message is read.
    pub(super) fn set_paused(&self, is_paused: bool) {
        self.pong.is_paused.set(is_paused);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
