//! The RoomHub actor: a thin shell that passes messages to [`Rooms`] and performs the deliveries and log
//! reads that it asks for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use tokio::time::Instant;

use crate::hub::message::{Contents, RoomMessage, ToLocalHub, ToRoomHub, WorkerId};
use crate::hub::publisher::HubPublisher;
use crate::hub::{EventLog, HubConfig, HubMetrics, JoinError};

use super::output::{PAGE, Read, ReadWhat, Refused, RoomOutput};
use super::rooms::Rooms;

/// Concurrent reads of the log. More would take the database's readers from everything else.
const READS_AT_ONCE: usize = 4;

/// Messages handled before timers and finished reads get their turn: an actor's mailbox takes precedence over
/// both.
const TURN: u32 = 64;

/// The dependencies of the RoomHub.
pub(in crate::hub) struct Deps {
    pub(in crate::hub) config: HubConfig,
    pub(in crate::hub) log: Arc<dyn EventLog>,
    pub(in crate::hub) publisher: Arc<HubPublisher>,
    pub(in crate::hub) metrics: HubMetrics,
}

pub(in crate::hub) struct RoomHub {
    deps: Deps,
    rooms: Rooms,
    workers: HashMap<WorkerId, Recipient<ToLocalHub>>,
    /// Reads that wait for a free slot: at most one per room.
    reads: VecDeque<Read>,
    reading: usize,
    handled: u32,
    repair_is_due: bool,
}

impl RoomHub {
    pub(in crate::hub) fn new(deps: Deps) -> Self {
        Self {
            rooms: Rooms::new(deps.config.gap_timeout),
            deps,
            workers: HashMap::new(),
            reads: VecDeque::new(),
            reading: 0,
            handled: 0,
            repair_is_due: false,
        }
    }

    /// The rooms, and the output for what they send; borrowed together.
    fn split(&mut self) -> (&mut Rooms, WorkerOutput<'_>) {
        let Self { rooms, workers, reads, deps, .. } = self;
        (rooms, WorkerOutput { workers, reads, metrics: &deps.metrics })
    }

    fn take_in(&mut self, message: ToRoomHub, now: Instant) {
        let (rooms, mut output) = self.split();
        match message {
            ToRoomHub::Join(join, worker) => {
                output.workers.entry(join.worker).or_insert(worker);
                rooms.join(join, &mut output);
            }
            ToRoomHub::Departed(departures) => {
                for departure in departures {
                    rooms.depart(&departure, &mut output);
                }
            }
            ToRoomHub::Committed(events) => {
                for event in events {
                    rooms.offer(event, now, &mut output);
                }
            }
            ToRoomHub::Heads(heads) => {
                for head in heads {
                    rooms.advance(&head, now, &mut output);
                }
            }
            ToRoomHub::Broadcast { room, notice, delivery, exclude } => {
                rooms.broadcast(&room, &notice, &delivery, exclude, &mut output);
            }
            // The caller may have stopped waiting.
            ToRoomHub::Members { room, reply } => drop(reply.send(rooms.users_in(&room))),
            ToRoomHub::Focus { room, focus } => rooms.focus(&room, focus, &mut output),
            ToRoomHub::Focused { room, reply } => drop(reply.send(rooms.focused(&room))),
            ToRoomHub::Largest { at_most, reply } => drop(reply.send(rooms.largest(at_most))),
            ToRoomHub::CatchUp => {}
        }
    }

    /// Work that is due after every change: catching up on lost reports, starting reads, scheduling the next
    /// repair.
    fn go_on(&mut self, context: &mut Context<Self>) {
        if self.deps.publisher.take_lost() {
            self.deps.metrics.catch_ups.inc();
            let (rooms, mut output) = self.split();
            rooms.catch_up_all(&mut output);
        }
        while self.reading < READS_AT_ONCE
            && let Some(read) = self.reads.pop_front()
        {
            self.reading += 1;
            self.start(read, context);
        }
        if self.rooms.needs_repair() && !self.repair_is_due {
            self.repair_is_due = true;
            context.run_later(self.deps.config.gap_timeout, |hub, context| {
                hub.repair_is_due = false;
                let (rooms, mut output) = hub.split();
                rooms.repair(Instant::now(), &mut output);
                hub.go_on(context);
            });
        }
        self.deps.metrics.rooms.set(i64::try_from(self.rooms.len()).unwrap_or(i64::MAX));
    }

    fn start(&mut self, read: Read, context: &mut Context<Self>) {
        let log = self.deps.log.clone();
        match read.what {
            ReadWhat::Head => {
                let head = log.head(read.room.clone()).into_actor(self).map(move |head, hub, context| {
                    let head = head.map_err(|error| hub.failed(&read, &error));
                    hub.reading -= 1;
                    let (rooms, mut output) = hub.split();
                    rooms.head_read(&read, head, Instant::now(), &mut output);
                    hub.go_on(context);
                });
                context.spawn(head);
            }
            ReadWhat::After(since) => {
                self.deps.metrics.gap_reads.inc();
                let events = log.after(read.room.clone(), since, PAGE).into_actor(self);
                context.spawn(events.map(move |events, hub, context| {
                    let events = events.map_err(|error| hub.failed(&read, &error)).ok();
                    hub.reading -= 1;
                    let (rooms, mut output) = hub.split();
                    rooms.events_read(&read, events, Instant::now(), &mut output);
                    hub.go_on(context);
                }));
            }
        }
    }

    fn failed(&self, read: &Read, error: &crate::db::DbError) -> JoinError {
        log::warn!(room:% = read.room, error:%; "the hub could not read the event log and will try again");
        JoinError::Unavailable
    }
}

impl Actor for RoomHub {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(self.deps.config.mailbox);
    }
}

impl Handler<ToRoomHub> for RoomHub {
    type Result = ();

    fn handle(&mut self, message: ToRoomHub, context: &mut Self::Context) {
        self.take_in(message, Instant::now());
        self.go_on(context);
        self.handled += 1;
        if self.handled >= TURN {
            self.handled = 0;
            context.wait(tokio::task::yield_now().into_actor(self));
        }
    }
}

struct WorkerOutput<'a> {
    workers: &'a mut HashMap<WorkerId, Recipient<ToLocalHub>>,
    reads: &'a mut VecDeque<Read>,
    metrics: &'a HubMetrics,
}

impl RoomOutput for WorkerOutput<'_> {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused> {
        let kind = match &message.contents {
            Contents::Event(_) => "event",
            Contents::Ephemeral { .. } => "passing",
        };
        let Some(address) = self.workers.get(&worker) else { return Err(Refused) };
        address.try_send(ToLocalHub::RoomMessage(message)).map_err(|_| {
            self.metrics.refused.with_label_values(&[kind]).inc();
            Refused
        })
    }

    fn read(&mut self, read: Read) {
        self.reads.push_back(read);
    }
}
