//! The hub behind a real HTTP server and the real transport, without tokens and database.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use prometheus::Registry;
use souk::clock::{Clock, Timestamp};
use souk::db::DbError;
use souk::events::{Committed, Envelope};
use souk::http::connection::{ServeOptions, serve};
use souk::hub::{
    Credentials, EventLog, Events, HubConfig, HubHandle, HubMetrics, HubPublisher, Registration, RoomStart,
};
use souk::ids::{ConnectionId, Room, Seq, TokenId, UserId};
use souk::protocol::close::Endpoint;
use souk::protocol::{Dialect, Event, Notice, encode};
use souk::realtime::websocket::handshake::Handshake;
use souk::realtime::websocket::{ConnectionLimits, FrameLimits};

use super::members::Members;
use super::{Measured, Options, Pace, Scenario, cpu};

/// Each room's events, built beforehand.
pub(crate) fn log_of(scenario: Scenario, messages: u64) -> Vec<Vec<Envelope>> {
    let event = |room: &Room, seq| Envelope {
        room: room.clone(),
        seq: Seq(seq),
        kind: "message.sent".into(),
        by: Some("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
        at: Timestamp::EPOCH,
        data: serde_json::value::to_raw_value(&serde_json::json!({ "text": "x".repeat(128) }))
            .unwrap()
            .into(),
    };
    let rooms = (0..scenario.rooms).map(Scenario::room);
    rooms.map(|room| (1..=messages).map(|seq| event(&room, seq)).collect()).collect()
}

/// An event as encoded for the wire.
pub(crate) fn frame(event: Envelope) -> Bytes {
    let Envelope { room, seq, kind, by, at, data } = event;
    encode(Dialect::Json, &Notice::Event(Event { room, seq, kind, data, by, at }))
}

/// An in-memory event log: what was published so far.
struct Log {
    rooms: Vec<Vec<Envelope>>,
    published: AtomicU64,
}

impl Log {
    fn events(&self, room: &Room) -> &[Envelope] {
        let published = usize::try_from(self.published.load(Ordering::Acquire)).unwrap();
        let events = self.rooms.iter().find(|events| events.first().is_some_and(|event| event.room == *room));
        events.map_or(&[], |events| &events[..published])
    }
}

impl EventLog for Log {
    fn start(&self, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<RoomStart>, DbError>> {
        let head = |room| Seq(self.events(room).len() as u64);
        let start = |room| RoomStart { head: head(room), elsewhere: Vec::new() };
        std::future::ready(Ok(rooms.iter().map(start).collect())).boxed()
    }

    fn after(
        &self,
        reads: Vec<(Room, Seq)>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Events>, DbError>> {
        let events = |(room, since): &(Room, Seq)| {
            let newer = self.events(room).iter().filter(|event| event.seq > *since);
            Ok(newer.take(limit).cloned().collect())
        };
        std::future::ready(Ok(reads.iter().map(events).collect())).boxed()
    }
}

#[derive(Clone)]
struct World {
    hub: HubHandle,
    config: HubConfig,
    joined: Arc<AtomicUsize>,
}

pub(crate) fn measure(options: &Options, scenario: Scenario) -> [Measured; 2] {
    actix_web::rt::System::new().block_on(run(options.clone(), scenario))
}

async fn run(options: Options, scenario: Scenario) -> [Measured; 2] {
    let silent = Duration::from_secs(3_600);
    let config =
        HubConfig { heartbeat_interval: silent, heartbeat_timeout: silent * 2, ..HubConfig::default() };
    let log = Arc::new(Log { rooms: log_of(scenario, options.messages * 2), published: AtomicU64::new(0) });
    let publisher = HubPublisher::new();
    let metrics = HubMetrics::new(&Registry::new()).unwrap();
    let hub = HubHandle::start(config.clone(), metrics, log.clone(), publisher);
    let world = World { hub: hub.clone(), config, joined: Arc::default() };
    let joined = world.joined.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = ServeOptions { workers: options.workers, ..ServeOptions::default() };
    let running = serve(listener, serving, move || {
        App::new().app_data(Data::new(world.clone())).route("/room/{number}", web::get().to(join))
    })
    .unwrap();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let members = Arc::new(Mutex::new(Members::connect(address, scenario)));
    in_child(&members, |members| members.wait_for("connected")).await;
    while joined.load(Ordering::Acquire) < scenario.connections() {
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
    let [paced, flat_out] = Pace::both(&options, scenario);
    let paced = one(&options, scenario, &hub, &log, &members, paced).await;
    let flat_out = one(&options, scenario, &hub, &log, &members, flat_out).await;
    drop(members);
    handle.stop(false).await;
    [paced, flat_out]
}

/// Publishes the next messages to every room.
async fn one(
    options: &Options,
    scenario: Scenario,
    hub: &HubHandle,
    log: &Log,
    members: &Arc<Mutex<Members>>,
    pace: Pace,
) -> Measured {
    let first = usize::try_from(log.published.load(Ordering::Acquire)).unwrap();
    let messages = usize::try_from(options.messages).unwrap();
    let expected =
        log.rooms[0][first..first + messages].iter().cloned().map(frame).map(|frame| frame.len()).sum();
    in_child(members, move |members| members.expect(expected)).await;
    let publisher = hub.publisher();
    let (began, cpu_before) = (Instant::now(), cpu());
    for seq in first..first + messages {
        log.published.store(seq as u64 + 1, Ordering::Release);
        for (number, events) in log.rooms.iter().enumerate() {
            publisher.publish(Committed { events: vec![events[seq].clone()], revocations: Vec::new() });
            if let Some(rest) = pace.rest(began, (seq - first) * scenario.rooms + number + 1, scenario) {
                actix_web::rt::time::sleep(rest).await;
            }
        }
        if matches!(pace, Pace::FlatOut) {
            // Waits until the hub has processed it, as a writer that waits for its commit would.
            hub.snapshot().await.unwrap();
        }
    }
    in_child(members, |members| members.wait_for("done")).await;
    let used = cpu() - cpu_before;
    let deliveries = options.messages * scenario.connections() as u64;
    Measured { deliveries, elapsed: began.elapsed(), cpu: used }
}

/// Talks to the child without blocking this thread.
async fn in_child(members: &Arc<Mutex<Members>>, talk: impl FnOnce(&mut Members) + Send + 'static) {
    let members = members.clone();
    actix_web::rt::task::spawn_blocking(move || talk(&mut members.lock().unwrap())).await.unwrap();
}

async fn join(
    request: HttpRequest,
    payload: Payload,
    number: web::Path<usize>,
    world: Data<World>,
) -> HttpResponse {
    let limits = ConnectionLimits {
        frames: FrameLimits { frame: 64 * 1024, message: 64 * 1024, fragments: 128 },
        outbox: world.config.outbox,
        close_timeout: Duration::from_secs(5),
    };
    let handshake =
        Handshake::read(&request, payload, Endpoint::Ws, limits).map_err(|_| "no handshake").unwrap();
    let (response, connection) = handshake.accept();
    let now = Clock::system().now();
    let (id, user) = (ConnectionId::new(now), UserId::new(now));
    let evicted = connection.handle.clone();
    let guard = world.hub.local().register(Registration {
        connection: id,
        credentials: Credentials {
            viewer: None,
            user,
            login: None,
            issuer: None,
            token: TokenId(id.to_string()),
            epoch: Timestamp::EPOCH,
            rooms: 1,
        },
        endpoint: Endpoint::Ws,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        since: now,
        dialect: Dialect::Json,
        bound_room: None,
        outbox: connection.outbox,
        evict: std::rc::Rc::new(move |reason, _| panic!("evicted: {reason:?} {}", evicted.is_closing())),
        abort: std::rc::Rc::new(|| {}),
        user_permit: world.hub.acquire(user, 1).unwrap(),
    });
    actix_web::rt::spawn(async move {
        let mut joined = world.hub.local().join(id, Scenario::room(*number)).await.unwrap();
        let _ = joined.splice(joined.head());
        world.joined.fetch_add(1, Ordering::AcqRel);
        let mut reader = connection.reader;
        while reader.next().await.is_some() {}
        drop(guard);
    });
    response
}
