//! The RoomHub actor: a thin shell that passes messages to [`Rooms`] and performs the deliveries and log
//! reads that it asks for.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tokio::time::Instant;

use crate::db::DbError;
use crate::hub::deliveries::Refused;
use crate::hub::message::{Contents, RoomMessage, ToRoomHub, WorkerId};
use crate::hub::publisher::HubPublisher;
use crate::hub::relay::Relayed;
use crate::hub::workers::Workers;
use crate::hub::{EventLog, HubConfig, HubMetrics, JoinError};
use crate::ids::{Room, Seq, UserId};

use super::output::{PAGE, Read, ReadWhat, RoomOutput};
use super::rooms::Rooms;

/// Concurrent reads of the log. More would take the database's readers from everything else.
const READS_AT_ONCE: usize = 4;

/// Rooms whose heads and members elsewhere, or whose events, one read fetches.
const STARTS_AT_ONCE: usize = 256;
const EVENTS_AT_ONCE: usize = 32;

/// Messages handled before timers and finished reads get their turn: an actor's mailbox takes precedence over
/// both.
const TURN: u32 = 64;

/// The dependencies of the RoomHub.
pub(in crate::hub) struct Deps {
    pub(in crate::hub) config: HubConfig,
    pub(in crate::hub) log: Arc<dyn EventLog>,
    pub(in crate::hub) publisher: Arc<HubPublisher>,
    pub(in crate::hub) metrics: HubMetrics,
    pub(in crate::hub) workers: Arc<Workers>,
}

pub(in crate::hub) struct RoomHub {
    deps: Deps,
    rooms: Rooms,
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
            reads: VecDeque::new(),
            reading: 0,
            handled: 0,
            repair_is_due: false,
        }
    }

    /// The rooms, and the output for what they send; borrowed together.
    fn split(&mut self) -> (&mut Rooms, HubOutput<'_>) {
        let Self { rooms, reads, deps, .. } = self;
        let Deps { workers, metrics, publisher, .. } = deps;
        (rooms, HubOutput { workers, reads, metrics, publisher })
    }

    fn take_in(&mut self, message: ToRoomHub, now: Instant) {
        let (rooms, mut output) = self.split();
        match message {
            ToRoomHub::Join(join) => rooms.join(join, &mut output),
            ToRoomHub::Departed(departures) => {
                for departure in departures {
                    rooms.depart(&departure, now, &mut output);
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
            ToRoomHub::Presence(told) => {
                for told in told {
                    rooms.present_elsewhere(told, &mut output);
                }
            }
            ToRoomHub::Broadcast { ephemeral, exclude } => rooms.broadcast(ephemeral, exclude, &mut output),
            ToRoomHub::Relayed { node, ephemeral, exclude } => {
                rooms.relayed(node, ephemeral, exclude, &mut output);
            }
            ToRoomHub::WantsFocus(room) => rooms.tell_all_focus(&room, &mut output),
            ToRoomHub::NodesChanged => rooms.nodes_changed(&mut output),
            ToRoomHub::Present { reply } => drop(reply.send(rooms.present())),
            // The caller may have stopped waiting.
            ToRoomHub::Members { room, reply } => drop(reply.send(rooms.users_in(&room))),
            ToRoomHub::PresentAt { room, at, reply } => drop(reply.send(rooms.present_at(&room, at, now))),
            ToRoomHub::Focus { room, focus } => rooms.focus(&room, focus, &mut output),
            ToRoomHub::Focused { room, reply } => drop(reply.send(rooms.focused(&room))),
            ToRoomHub::List { query, reply } => drop(reply.send(rooms.list(&query, now))),
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
            if output.publisher.presence().are_kept() {
                rooms.nodes_changed(&mut output);
            }
        }
        while self.reading < READS_AT_ONCE
            && let Some(batch) = self.next_batch()
        {
            self.reading += 1;
            match batch {
                Batch::Starts(reads) => self.read_starts(reads, context),
                Batch::Events(reads) => self.read_events(reads, context),
            }
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

    /// The reads that wait first and can be made together.
    fn next_batch(&mut self) -> Option<Batch> {
        match self.reads.front()?.what {
            ReadWhat::After(_) => {
                let mut batch = Vec::new();
                while batch.len() < EVENTS_AT_ONCE
                    && let Some(Read { what: ReadWhat::After(since), .. }) = self.reads.front()
                {
                    let since = *since;
                    batch.extend(self.reads.pop_front().map(|read| (read, since)));
                }
                Some(Batch::Events(batch))
            }
            ReadWhat::Start | ReadWhat::Elsewhere(_) => {
                let mut batch = Vec::new();
                while batch.len() < STARTS_AT_ONCE
                    && let Some(Read { what: ReadWhat::Start | ReadWhat::Elsewhere(_), .. }) =
                        self.reads.front()
                {
                    batch.extend(self.reads.pop_front());
                }
                Some(Batch::Starts(batch))
            }
        }
    }

    fn read_starts(&mut self, reads: Vec<Read>, context: &mut Context<Self>) {
        let rooms = reads.iter().map(|read| read.room.clone()).collect();
        let starts = self.deps.log.start(rooms).into_actor(self);
        context.spawn(starts.map(move |starts, hub, context| {
            let starts = hub.answers(starts, reads.len());
            hub.reading -= 1;
            let now = Instant::now();
            let (rooms, mut output) = hub.split();
            for (read, start) in reads.iter().zip(starts) {
                match read.what {
                    ReadWhat::Elsewhere(_) => {
                        rooms.elsewhere_read(read, start.map(|start| start.elsewhere), &mut output);
                    }
                    _ => rooms.started(read, start.ok_or(JoinError::Unavailable), now, &mut output),
                }
            }
            hub.go_on(context);
        }));
    }

    fn read_events(&mut self, reads: Vec<(Read, Seq)>, context: &mut Context<Self>) {
        self.deps.metrics.gap_reads.inc_by(reads.len() as u64);
        let asked = reads.iter().map(|(read, since)| (read.room.clone(), *since)).collect();
        let events = self.deps.log.after(asked, PAGE).into_actor(self);
        context.spawn(events.map(move |events, hub, context| {
            let events = hub.answers(events, reads.len());
            hub.reading -= 1;
            let (rooms, mut output) = hub.split();
            for ((read, _), events) in reads.iter().zip(events) {
                let events = events.and_then(|events| events.map_err(|error| failed(&error)).ok());
                rooms.events_read(read, events, Instant::now(), &mut output);
            }
            hub.go_on(context);
        }));
    }

    /// The answers to so many reads; `None` for each if they failed.
    fn answers<T>(&self, answers: Result<Vec<T>, DbError>, asked: usize) -> Vec<Option<T>> {
        let answers = answers.map_err(|error| failed(&error)).unwrap_or_default();
        let missing = std::iter::repeat_with(|| None);
        answers.into_iter().map(Some).chain(missing).take(asked).collect()
    }
}

fn failed(error: &DbError) {
    log::warn!(error:%; "the hub could not read the event log and will try again");
}

/// Reads that are made together.
enum Batch {
    /// The heads of rooms and who is in them elsewhere, or the latter alone.
    Starts(Vec<Read>),
    /// The events of rooms after a position each.
    Events(Vec<(Read, Seq)>),
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

struct HubOutput<'a> {
    workers: &'a Workers,
    reads: &'a mut VecDeque<Read>,
    metrics: &'a HubMetrics,
    publisher: &'a HubPublisher,
}

impl RoomOutput for HubOutput<'_> {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused> {
        let kind = match &message.contents {
            Contents::Event(_) => "event",
            Contents::Ephemeral { .. } => "passing",
        };
        let Some(worker) = self.workers.get(worker) else { return Err(Refused) };
        worker.deliver(message).inspect_err(|Refused| self.metrics.refused.with_label_values(&[kind]).inc())
    }

    fn read(&mut self, read: Read) {
        self.reads.push_back(read);
    }

    fn presence(&mut self, room: &Room, user: UserId, is_present: bool) {
        self.publisher.presence().add(room, user, is_present);
    }

    fn relay(&mut self, message: impl FnOnce() -> Relayed) {
        self.publisher.relay().send(message);
    }
}
