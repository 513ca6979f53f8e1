//! The LocalHub actor: a thin shell that brings messages of other threads and the passing of time to its thread.

use actix::{Actor, AsyncContext, Context, Handler, Message, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::drain::Pace;
use super::super::parcel::Parcel;
use super::super::{LiveSession, SessionFilter};
use super::hub::LocalHub;
use super::watch::TICK;
use crate::domain::Page;
use crate::ids::ConnectionId;

/// Parcels handled before the sockets get their turn: an actor's mailbox comes before every other task of the thread,
/// and outboxes that nothing drains would overflow although their clients read.
const TURN: u32 = 32;

/// Messages that may wait for one worker. Few, since the RoomHub keeps its place for a worker that refuses.
const MAILBOX: usize = 1_024;

pub(in super::super) struct LocalActor {
    hub: LocalHub,
    handled: u32,
}

/// Everything that other threads tell a LocalHub, always by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(in super::super) enum ToLocalHub {
    Parcel(Parcel),
    /// The worker's list of orders has grown.
    Orders,
    /// The newest sessions of a page, one more than it holds.
    List {
        filter: SessionFilter,
        page: Page<ConnectionId>,
        reply: oneshot::Sender<Vec<LiveSession>>,
    },
    Drain(Box<Pace>),
}

impl LocalActor {
    pub(super) fn new(hub: LocalHub) -> Self {
        Self { hub, handled: 0 }
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
            ToLocalHub::Parcel(parcel) => self.hub.deliver(&parcel),
            ToLocalHub::Orders => self.hub.obey(),
            // Whoever asked may have stopped waiting.
            ToLocalHub::List { filter, page, reply } => drop(reply.send(self.hub.list(filter, &page))),
            ToLocalHub::Drain(mut pace) => {
                self.hub.evict_batch(&mut pace);
                // Goes on for good: a handshake that was already seated may still register.
                context.run_interval(pace.pause(), move |actor, _| {
                    actor.hub.evict_batch(&mut pace);
                });
            }
        }
        self.handled += 1;
        if self.handled >= TURN {
            self.handled = 0;
            context.wait(tokio::task::yield_now().into_actor(self));
        }
    }
}
