//! The LocalHub actor: a thin shell that passes messages of other threads, and a periodic tick, to the
//! [`LocalHub`] of its thread.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture};
use tokio::time::Instant;

use crate::hub::drain::Pace;
use crate::hub::message::{RoomMessage, ToLocalHub};
use crate::hub::shared::Shared;

use super::hub::LocalHub;
use super::timer_wheel::TICK;

/// Messages handled before the actor yields, unless many wait for delivery. An actor's mailbox takes precedence over
/// every other task of the thread; without a pause, outboxes would overflow because nothing drains them, although their
/// clients read.
const TURN: usize = 32;

/// Bytes of frames delivered before the actor yields, however much waits: what each outbox of a room may have to take
/// in a turn.
const TURN_BYTES: usize = 256 * 1024;

/// Longest time for which the actor delivers before it yields, however long the thread's other tasks took.
const MAX_SHARE: Duration = Duration::from_millis(100);

/// Messages that may wait in the mailbox; those to rooms wait beside it.
const MAILBOX: usize = 1_024;

struct LocalActor {
    hub: LocalHub,
    handled: usize,
    /// Messages to rooms that are being delivered: none between two calls, whose memory this is.
    taken: Vec<RoomMessage>,
    /// When it last had its turn. By the processor's time, also where tests stop tokio's.
    rests_since: std::time::Instant,
}

/// Starts the calling thread's LocalHub.
pub(in crate::hub) fn start(shared: Arc<Shared>) -> LocalHub {
    let context = Context::<LocalActor>::new();
    let worker = shared.workers.add(context.address().recipient());
    let hub = LocalHub::new(shared, worker);
    context.run(LocalActor {
        hub: hub.clone(),
        handled: 0,
        taken: Vec::new(),
        rests_since: std::time::Instant::now(),
    });
    hub
}

impl LocalActor {
    /// Runs what waits, a turn of it; returns the number of messages, and whether others still wait.
    ///
    /// Where much waits, a turn is as long as the thread's other tasks took since the last one: however many clients
    /// send at once, what they send is also delivered.
    fn run_waiting(&mut self) -> (usize, bool) {
        let began = std::time::Instant::now();
        let share = (began - self.rests_since).min(MAX_SHARE);
        let (mut messages, mut bytes) = (0, 0);
        loop {
            let batch = self.hub.run_waiting(TURN, &mut self.taken);
            messages += batch.messages;
            bytes += batch.bytes;
            if !batch.has_more || bytes >= TURN_BYTES || began.elapsed() >= share {
                self.rests_since = std::time::Instant::now();
                return (messages, batch.has_more);
            }
        }
    }

    /// Evicts a batch, and the next one after a pause, until connections are admitted again: a handshake that
    /// already holds a permit may still register.
    fn drain(&mut self, mut pace: Box<Pace>, context: &mut Context<Self>) {
        if !self.hub.is_draining() {
            return;
        }
        self.hub.evict_batch(&mut pace);
        context.run_later(pace.pause(), move |actor, context| actor.drain(pace, context));
    }
}

impl Actor for LocalActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        context.run_interval(TICK, |actor, _| actor.hub.tick(Instant::now()));
    }
}

impl Handler<ToLocalHub> for LocalActor {
    type Result = ();

    fn handle(&mut self, message: ToLocalHub, context: &mut Self::Context) {
        match message {
            // They wait beside the mailbox.
            ToLocalHub::Deliveries | ToLocalHub::WorkerCommands => {}
            // The caller may have stopped waiting.
            ToLocalHub::List { filter, page, reply } => drop(reply.send(self.hub.list(filter, &page))),
            ToLocalHub::Drain(pace) => self.drain(pace, context),
        }
        // After any message: the mailbox may have been too full to tell that commands or messages to rooms wait.
        let (delivered, has_more) = self.run_waiting();
        if has_more {
            context.notify(ToLocalHub::Deliveries);
        }
        self.handled += 1 + delivered;
        if self.handled >= TURN {
            self.handled = 0;
            context.wait(tokio::task::yield_now().into_actor(self));
        }
    }
}
