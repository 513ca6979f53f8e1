//! A hub on one thread whose time is paused unless every task waits, with members that have outboxes but no
//! sockets.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use prometheus::Registry;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::db::DbError;
use crate::events::{Committed, Envelope, Revocation};
use crate::hub::message::event_notice;
use crate::hub::*;
use crate::ids::{ConnectionId, LoginId, Room, Seq, TokenId, UserId};
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::{Dialect, close_frame, encode};

/// Runs `test` as an actix system with a paused clock, which advances only when every task waits.
pub(in crate::hub) fn run<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    });
    system.block_on(async move { test().await })
}

/// Lets every task run as far as it can without time passing.
pub(in crate::hub) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(in crate::hub) async fn seconds(seconds: u64) {
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    settle().await;
}

pub(in crate::hub) fn room(name: &str) -> Room {
    format!("loadtest:{name}").parse().unwrap()
}

pub(in crate::hub) fn user(number: usize) -> UserId {
    format!("01890a5d-ac96-774b-bcce-{number:012}").parse().unwrap()
}

/// A `token_epoch` that no session's token has.
pub(in crate::hub) fn later() -> Timestamp {
    Timestamp::EPOCH.plus(std::time::Duration::from_secs(1))
}

/// An event log in memory that answers asynchronously and can fail.
#[derive(Default)]
pub(in crate::hub) struct FakeLog {
    rooms: Mutex<HashMap<Room, Vec<Envelope>>>,
    /// Number of reads that fail from now on.
    pub(in crate::hub) failures: AtomicUsize,
    pub(in crate::hub) reads: AtomicUsize,
}

impl FakeLog {
    /// Commits an event, without reporting it.
    pub(in crate::hub) fn commit(&self, room: &Room) -> Envelope {
        let mut rooms = self.rooms.lock().unwrap();
        let events = rooms.entry(room.clone()).or_default();
        let event = Envelope {
            room: room.clone(),
            seq: Seq(events.len() as u64 + 1),
            kind: "message.sent".into(),
            by: None,
            at: Timestamp::EPOCH,
            data: serde_json::value::RawValue::from_string("{}".into()).unwrap().into(),
        };
        events.push(event.clone());
        event
    }

    pub(in crate::hub) fn since(&self, room: &Room, since: Seq, limit: usize) -> Vec<Envelope> {
        let rooms = self.rooms.lock().unwrap();
        let events = rooms.get(room).into_iter().flatten();
        events.filter(|event| event.seq > since).take(limit).cloned().collect()
    }

    pub(in crate::hub) fn head_of(&self, room: &Room) -> Seq {
        Seq(self.rooms.lock().unwrap().get(room).map_or(0, |events| events.len() as u64))
    }

    async fn answer<T>(self: Arc<Self>, read: impl FnOnce(&Self) -> T) -> Result<T, DbError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let is_bad =
            self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let answer = read(&self);
        tokio::task::yield_now().await;
        if is_bad.is_ok() { Err(DbError::Overloaded) } else { Ok(answer) }
    }
}

pub(in crate::hub) struct Shared(pub(in crate::hub) Arc<FakeLog>);

impl EventLog for Shared {
    fn start(&self, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<RoomStart>, DbError>> {
        let all = move |log: &FakeLog| {
            let start = |room| RoomStart { head: log.head_of(room), elsewhere: Vec::new() };
            rooms.iter().map(start).collect()
        };
        self.0.clone().answer(all).boxed()
    }

    fn after(
        &self,
        reads: Vec<(Room, Seq)>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Events>, DbError>> {
        let all = move |log: &FakeLog| {
            reads.iter().map(|(room, since)| Ok(log.since(room, *since, limit))).collect()
        };
        self.0.clone().answer(all).boxed()
    }
}

/// A hub and the dependencies that it was started with.
pub(in crate::hub) struct World {
    pub(in crate::hub) hub: HubHandle,
    pub(in crate::hub) log: Arc<FakeLog>,
    pub(in crate::hub) metrics: HubMetrics,
    connections: Cell<usize>,
}

impl World {
    pub(in crate::hub) fn new() -> Self {
        Self::with(HubConfig::default())
    }

    pub(in crate::hub) fn with(config: HubConfig) -> Self {
        let log = Arc::<FakeLog>::default();
        let metrics = HubMetrics::new(&Registry::new()).unwrap();
        let arbiter = actix::Arbiter::current();
        let event_log = Arc::new(Shared(log.clone()));
        let hub = HubHandle::start_on(&arbiter, config, metrics.clone(), event_log, HubPublisher::new());
        Self::of(hub, log, metrics, 0)
    }

    /// The hub as one of several threads sees it; ids of its connections start after `first`.
    pub(in crate::hub) fn of(hub: HubHandle, log: Arc<FakeLog>, metrics: HubMetrics, first: usize) -> Self {
        Self { hub, log, metrics, connections: Cell::new(first) }
    }

    /// Commits an event and reports it.
    pub(in crate::hub) fn publish_event(&self, room: &Room) {
        self.report(self.log.commit(room));
    }

    pub(in crate::hub) fn report(&self, event: Envelope) {
        self.hub.publisher().publish(Committed { events: vec![event], revocations: Vec::new() });
    }

    pub(in crate::hub) fn end(&self, revocation: Revocation) {
        self.hub.publisher().publish(Committed { events: Vec::new(), revocations: vec![revocation] });
    }

    /// A connection of user number `number`.
    pub(in crate::hub) fn connect(&self, number: usize) -> Member {
        self.connect_to(number, None, 100)
    }

    /// The same, bound to a room, or with a limit of rooms.
    pub(in crate::hub) fn connect_to(&self, number: usize, bound_room: Option<Room>, rooms: usize) -> Member {
        self.connections.set(self.connections.get() + 1);
        let name = format!("01890a5d-ac96-774b-aaaa-{:012}", self.connections.get());
        Member::new(self, name.parse().unwrap(), number, bound_room, rooms)
    }
}

/// A session without a socket: it calls the hub, and reads its outbox when the test says so.
pub(in crate::hub) struct Member {
    pub(in crate::hub) connection: ConnectionId,
    pub(in crate::hub) outbox: Outbox,
    pub(in crate::hub) guard: Rc<RefCell<Option<RegistrationHandle>>>,
    pub(in crate::hub) evicted: Rc<Cell<Option<CloseReason>>>,
    pub(in crate::hub) abort: Rc<Cell<bool>>,
    local: LocalHub,
    log: Arc<FakeLog>,
    stream: OutboxStream,
}

impl Member {
    fn new(
        world: &World,
        connection: ConnectionId,
        number: usize,
        bound_room: Option<Room>,
        rooms: usize,
    ) -> Self {
        let (outbox, stream) = Outbox::new(HubConfig::default().outbox);
        let local = world.hub.local();
        let evicted = Rc::new(Cell::new(None));
        let abort = Rc::new(Cell::new(false));
        let guard = local.register(Registration {
            connection,
            credentials: Credentials {
                viewer: None,
                user: user(number),
                login: Some(login(number)),
                issuer: None,
                token: TokenId(connection.to_string()),
                epoch: Timestamp::EPOCH,
                rooms,
            },
            endpoint: Endpoint::Ws,
            address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            since: Timestamp::EPOCH,
            dialect: Dialect::Json,
            bound_room,
            outbox: outbox.clone(),
            evict: Rc::new({
                let (evicted, outbox) = (evicted.clone(), outbox.clone());
                move |reason: CloseReason, _| {
                    evicted.set(Some(reason));
                    let close = reason.on(Endpoint::Ws);
                    outbox.finish(close_frame(close.code, close.reason));
                }
            }),
            abort: Rc::new({
                let abort = abort.clone();
                move || abort.set(true)
            }),
            user_permit: world.hub.acquire(user(number), 1_000).unwrap(),
        });
        let guard = Rc::new(RefCell::new(Some(guard)));
        Self { connection, outbox, guard, evicted, abort, local, log: world.log.clone(), stream }
    }

    /// Joins as a session does: joins the hub, reads the log after `since`, pushes the events, and splices.
    pub(in crate::hub) fn join(
        &self,
        room: &Room,
        since: Seq,
    ) -> impl Future<Output = Result<(), JoinError>> + 'static {
        let (local, log, outbox, room) =
            (self.local.clone(), self.log.clone(), self.outbox.clone(), room.clone());
        let connection = self.connection;
        async move {
            let mut joined = local.join(connection, room.clone()).await?;
            let mut up_to = since;
            loop {
                for event in log.since(&room, up_to, usize::MAX) {
                    up_to = event.seq;
                    let frame = encode(Dialect::Json, &event_notice(event));
                    let _ = outbox.push(frame, Delivery::Durable);
                }
                tokio::task::yield_now().await;
                match joined.splice(up_to) {
                    Spliced::Live => return Ok(()),
                    Spliced::Behind => {}
                    Spliced::Gone => return Err(JoinError::Gone),
                }
            }
        }
    }

    /// What waits in the outbox, as JSON; pings and close frames by their opcode.
    pub(in crate::hub) fn received(&mut self) -> Vec<Value> {
        let mut received = Vec::new();
        while let Some(Some(bytes)) = self.stream.next().now_or_never() {
            received.extend(frames(bytes));
        }
        received
    }

    /// Positions of the events that wait in the outbox.
    pub(in crate::hub) fn received_seqs(&mut self) -> Vec<u64> {
        let received = self.received();
        received
            .iter()
            .filter(|notice| notice["type"] == "event")
            .map(|event| event["seq"].as_u64().unwrap())
            .collect()
    }

    /// Waits for the next item of the outbox; positions of the events in it.
    pub(in crate::hub) async fn next_seqs(&mut self) -> Vec<u64> {
        let bytes = self.stream.next().await.expect("nobody is evicted");
        let events = frames(bytes).into_iter().filter(|notice| notice["type"] == "event");
        events.map(|event| event["seq"].as_u64().unwrap()).collect()
    }

    pub(in crate::hub) fn disconnect(&self) {
        drop(self.guard.borrow_mut().take());
    }
}

pub(in crate::hub) fn login(number: usize) -> LoginId {
    format!("01890a5d-ac96-774b-cccc-{number:012}").parse().unwrap()
}

fn frames(mut bytes: Bytes) -> Vec<Value> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let opcode = bytes[0] & 0x0f;
        let (start, length) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => panic!("no test sends that much"),
            short => (2, usize::from(short)),
        };
        let payload = bytes.slice(start..start + length);
        frames.push(match opcode {
            1 => serde_json::from_slice(&payload).unwrap(),
            8 => serde_json::json!({ "close": u16::from_be_bytes([payload[0], payload[1]]) }),
            9 => serde_json::json!("ping"),
            other => panic!("opcode {other}"),
        });
        bytes = bytes.slice(start + length..);
    }
    frames
}
