//! The RoomHub actor: a thin shell that hands messages to [`Rooms`] and carries out what that asks for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::local::{JoinError, LocalActor, ToLocalHub};
use super::super::parcel::{Contents, Departure, Except, Parcel, WorkerId};
use super::super::publisher::HubPublisher;
use super::super::{Delivery, EventLog, HubConfig, HubMetrics};
use super::rooms::{Join, Outlet, PAGE, Read, ReadWhat, Refused, RoomSnapshot, Rooms};
use crate::events::Envelope;
use crate::ids::{Room, UserId};
use crate::realtime::protocol::Notice;

/// Reads of the log that run at once. More would take the database's readers from everyone else.
const READS_AT_ONCE: usize = 4;

/// Messages handled before timers and finished reads get their turn: an actor's mailbox comes before everything else.
const TURN: u32 = 64;

/// What the RoomHub is made of.
pub(in super::super) struct Parts {
    pub(in super::super) config: HubConfig,
    pub(in super::super) log: Arc<dyn EventLog>,
    pub(in super::super) publisher: Arc<HubPublisher>,
    pub(in super::super) metrics: HubMetrics,
}

pub(in super::super) struct RoomHub {
    parts: Parts,
    rooms: Rooms,
    workers: HashMap<WorkerId, Addr<LocalActor>>,
    /// Reads that wait for their turn: at most one a room.
    reads: VecDeque<Read>,
    reading: usize,
    handled: u32,
    look_is_due: bool,
}

/// Everything that the RoomHub is told, always by `try_send`.
#[derive(Message)]
#[rtype(result = "()")]
pub(in super::super) enum ToRoomHub {
    Join(Join, Addr<LocalActor>),
    Departed(Vec<Departure>),
    Committed(Vec<Envelope>),
    Say {
        room: Room,
        notice: Notice,
        delivery: Delivery,
        except: Except,
    },
    WhoIsIn {
        room: Room,
        reply: oneshot::Sender<Vec<UserId>>,
    },
    Largest {
        at_most: usize,
        reply: oneshot::Sender<Vec<RoomSnapshot>>,
    },
    /// Reports of commits were lost: a flag says so, this only wakes.
    CatchUp,
}

impl RoomHub {
    pub(in super::super) fn new(parts: Parts) -> Self {
        Self {
            rooms: Rooms::new(parts.config.gap_timeout),
            parts,
            workers: HashMap::new(),
            reads: VecDeque::new(),
            reading: 0,
            handled: 0,
            look_is_due: false,
        }
    }

    /// The rooms, and where what they send goes.
    fn split(&mut self) -> (&mut Rooms, Wires<'_>) {
        let Self { rooms, workers, reads, parts, .. } = self;
        (rooms, Wires { workers, reads, metrics: &parts.metrics })
    }

    fn take_in(&mut self, message: ToRoomHub, now: Instant) {
        let (rooms, mut wires) = self.split();
        match message {
            ToRoomHub::Join(join, worker) => {
                wires.workers.entry(join.worker).or_insert(worker);
                rooms.join(join, &mut wires);
            }
            ToRoomHub::Departed(departures) => {
                for departure in departures {
                    rooms.depart(&departure, &mut wires);
                }
            }
            ToRoomHub::Committed(events) => {
                for event in events {
                    rooms.offer(event, now, &mut wires);
                }
            }
            ToRoomHub::Say { room, notice, delivery, except } => {
                rooms.say(&room, &notice, &delivery, except, &mut wires);
            }
            // Whoever asked may have stopped waiting.
            ToRoomHub::WhoIsIn { room, reply } => drop(reply.send(rooms.users_in(&room))),
            ToRoomHub::Largest { at_most, reply } => drop(reply.send(rooms.largest(at_most))),
            ToRoomHub::CatchUp => {}
        }
    }

    /// What is due after every change: lost reports, reads, the next look, a pause for others.
    fn go_on(&mut self, context: &mut Context<Self>) {
        if self.parts.publisher.take_lost() {
            self.parts.metrics.catch_ups.inc();
            let (rooms, mut wires) = self.split();
            rooms.catch_up_all(&mut wires);
        }
        while self.reading < READS_AT_ONCE
            && let Some(read) = self.reads.pop_front()
        {
            self.reading += 1;
            self.start(read, context);
        }
        if self.rooms.is_troubled() && !self.look_is_due {
            self.look_is_due = true;
            context.run_later(self.parts.config.gap_timeout, |hub, context| {
                hub.look_is_due = false;
                let (rooms, mut wires) = hub.split();
                rooms.look_after_troubled(Instant::now(), &mut wires);
                hub.go_on(context);
            });
        }
        self.parts.metrics.rooms.set(i64::try_from(self.rooms.len()).unwrap_or(i64::MAX));
    }

    fn start(&mut self, read: Read, context: &mut Context<Self>) {
        let log = self.parts.log.clone();
        match read.what {
            ReadWhat::Head => {
                let head = log.head(read.room.clone()).into_actor(self).map(move |head, hub, context| {
                    let head = head.map_err(|error| hub.failed(&read, &error));
                    hub.reading -= 1;
                    let (rooms, mut wires) = hub.split();
                    rooms.head_read(&read, head, Instant::now(), &mut wires);
                    hub.go_on(context);
                });
                context.spawn(head);
            }
            ReadWhat::After(since) => {
                self.parts.metrics.gap_reads.inc();
                let events = log.after(read.room.clone(), since, PAGE).into_actor(self);
                context.spawn(events.map(move |events, hub, context| {
                    let events = events.map_err(|error| hub.failed(&read, &error)).ok();
                    hub.reading -= 1;
                    let (rooms, mut wires) = hub.split();
                    rooms.events_read(&read, events, Instant::now(), &mut wires);
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
        context.set_mailbox_capacity(self.parts.config.mailbox);
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

struct Wires<'a> {
    workers: &'a mut HashMap<WorkerId, Addr<LocalActor>>,
    reads: &'a mut VecDeque<Read>,
    metrics: &'a HubMetrics,
}

impl Outlet for Wires<'_> {
    fn deliver(&mut self, worker: WorkerId, parcel: Parcel) -> Result<(), Refused> {
        let kind = match &parcel.contents {
            Contents::Event(_) => "event",
            Contents::Passing { .. } => "passing",
        };
        let Some(address) = self.workers.get(&worker) else { return Err(Refused) };
        address.try_send(ToLocalHub::Parcel(parcel)).map_err(|_| {
            self.metrics.refused.with_label_values(&[kind]).inc();
            Refused
        })
    }

    fn read(&mut self, read: Read) {
        self.reads.push_back(read);
    }
}
