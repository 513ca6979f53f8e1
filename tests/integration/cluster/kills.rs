//! Nodes are killed at random under load: what was acknowledged is there once, and everybody hears everything once
//! and in order.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::world::{Cluster, offer, run};
use crate::support::{Closed, Process, Redis, Socket, own_postgres};

const NODES: usize = 3;
const WRITERS: usize = 3;

/// Upper bound for an answer of a node that may be dying.
const PATIENCE: Duration = Duration::from_secs(10);

/// The nodes, of which some are dead for a moment, and what clients saw.
struct Scene {
    nodes: RefCell<Vec<Option<Process>>>,
    /// The room of a chat, and the path that connects one of its members.
    room: String,
    path: String,
    /// The position of each acknowledged message.
    acked: RefCell<BTreeMap<String, u64>>,
    is_over: Cell<bool>,
}

impl Scene {
    /// Some node that runs.
    fn some_node(&self, random: &mut StdRng) -> Option<SocketAddr> {
        self.nodes.borrow()[random.random_range(0..NODES)].as_ref().map(|process| process.address)
    }

    /// A connection to some node, if it comes about.
    async fn connect(&self, random: &mut StdRng) -> Option<Socket> {
        let connected = match self.some_node(random) {
            Some(address) => Socket::connect_with(address, &self.path, &[]).await.ok(),
            None => None,
        };
        if connected.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        connected
    }

    /// Writes messages until the scene is over, each again under its id until it is acknowledged.
    async fn write(&self, writer: usize, mut random: StdRng) {
        let mut socket = None;
        let mut number = 0;
        while !self.is_over.get() {
            number += 1;
            let text = format!("{writer}-{number}");
            let message =
                json!({"type": "chat_message", "room": self.room, "text": text, "client_msg_id": text});
            loop {
                let Some(open) = &mut socket else {
                    socket = self.connect(&mut random).await;
                    continue;
                };
                match tokio::time::timeout(PATIENCE, open.try_request(message.clone())).await {
                    Ok(Ok(answer)) if answer["type"] == "ack" => {
                        let seq = answer["seq"].as_u64().unwrap();
                        self.acked.borrow_mut().insert(text, seq);
                        break;
                    }
                    // Busy, unavailable, closed or silent.
                    Ok(Ok(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Ok(Err(_)) | Err(_) => socket = None,
                }
            }
        }
    }

    /// Joins and returns the events after `since`: from the answer or, if they are too many for it, from the history.
    async fn missed(&self, socket: &mut Socket, since: u64) -> Result<Vec<Value>, Closed> {
        let mut joined;
        loop {
            let join = json!({"type": "join", "room": self.room, "since": since});
            joined = socket.try_request(join).await?;
            if joined["type"] == "ack" {
                break;
            }
            // Busy or unavailable.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Some(events) = joined["events"].as_array() {
            return Ok(events.clone());
        }
        let (mut missed, mut before) = (Vec::new(), joined["head"].as_u64().unwrap() + 1);
        while before > since + 1 {
            let history = json!({"type": "history", "room": self.room, "before": before, "limit": 100});
            let page = socket.try_request(history).await?;
            let events = page["events"].as_array().cloned().unwrap_or_default();
            before = events.first().map_or(before, |event| event["seq"].as_u64().unwrap());
            missed.splice(0..0, events);
        }
        missed.retain(|event| event["seq"].as_u64() > Some(since));
        Ok(missed)
    }

    /// Listens until the scene is over and every event up to `last` has been heard; returns the texts by position.
    async fn listen(
        &self,
        mut random: StdRng,
        first: u64,
        last: &Cell<Option<u64>>,
    ) -> BTreeMap<u64, String> {
        let mut heard = BTreeMap::new();
        let mut since = first;
        while last.get().is_none_or(|last| since < last) {
            let Some(mut socket) = self.connect(&mut random).await else { continue };
            let Ok(missed) = self.missed(&mut socket, since).await else { continue };
            let mut coming = VecDeque::from(missed);
            while last.get().is_none_or(|last| since < last) {
                let next = match coming.pop_front() {
                    Some(missed) => Ok(Ok(missed)),
                    None => tokio::time::timeout(Duration::from_millis(200), socket.next()).await,
                };
                let event = match next {
                    Err(_) => continue,
                    Ok(Err(_)) => break,
                    Ok(Ok(message)) => message,
                };
                if event["kind"].is_null() || event["room"] != self.room.as_str() {
                    continue;
                }
                let seq = event["seq"].as_u64().unwrap();
                assert_eq!(seq, since + 1, "each once and in order");
                since = seq;
                heard.insert(seq, event["data"]["text"].as_str().unwrap_or_default().to_owned());
            }
        }
        heard
    }
}

/// Kills `kills` nodes, one after another and each while the others serve; with Redis, that is restarted, too.
fn survives(kills: usize, mut redis: Option<Redis>) {
    let Some(postgres) = own_postgres() else { return };
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    run(async {
        let url = postgres.url();
        let flag = redis.as_ref().map(|redis| format!("--redis-url={}", redis.url()));
        let mut flags =
            vec!["--free-requests=1000000", "--anonymous-requests=1000000", "--free-messages=1000000"];
        // Few enough that some listeners have to read the history.
        flags.push("--replay-max=100");
        flags.extend(flag.as_deref());
        let mut cluster = Cluster::start_with(NODES, &url, &flags[2..]);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let offer = offer(&ana, &ben, 24).await;
        let room = format!("session:{}", offer["session_id"].as_str().unwrap());
        let first = ana.read_log(&room).await.len() as u64;
        let scene = Scene {
            nodes: RefCell::new(std::mem::take(&mut cluster.nodes).into_iter().map(Some).collect()),
            room,
            path: ana.live_path(),
            acked: RefCell::default(),
            is_over: Cell::new(false),
        };
        let last = Cell::new(None);
        let mut more = || StdRng::seed_from_u64(random.random());
        let writers = (0..WRITERS).map(|writer| scene.write(writer, more())).collect::<Vec<_>>();
        let listeners = (0..NODES).map(|_| scene.listen(more(), first, &last)).collect::<Vec<_>>();
        let mut killer = more();
        let killing = async {
            for round in 0..kills {
                tokio::time::sleep(Duration::from_millis(killer.random_range(50..400))).await;
                let victim = killer.random_range(0..NODES);
                let process = scene.nodes.borrow_mut()[victim].take();
                process.expect("it was started again").kill();
                if let Some(redis) = redis.as_mut().filter(|_| round % 3 == 2) {
                    redis.stop();
                    redis.start_again();
                }
                let (url, flags) =
                    (url.clone(), flags.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>());
                let started = tokio::task::spawn_blocking(move || {
                    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                    Process::start("127.0.0.1:0", &url, &flags)
                });
                scene.nodes.borrow_mut()[victim] = Some(started.await.unwrap());
            }
            scene.is_over.set(true);
        };
        let writing = async {
            tokio::join!(killing, futures_util::future::join_all(writers));
            last.set(scene.acked.borrow().values().copied().max());
        };
        let (_, heard) = tokio::join!(writing, futures_util::future::join_all(listeners));

        let acked = scene.acked.borrow();
        assert!(acked.len() > kills, "there was a load: {}", acked.len());
        for heard in &heard {
            for (text, seq) in acked.iter() {
                assert_eq!(heard.get(seq), Some(text), "where it was acknowledged (seed {seed})");
            }
            assert_eq!(heard.len(), acked.len(), "and each once (seed {seed})");
        }
        let mut verify = Command::new(env!("CARGO_BIN_EXE_souk"));
        let verified = verify.args(["verify", "--database-url", &url]).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    });
}

#[test]
fn twenty_kills_lose_and_double_nothing() {
    survives(20, None);
}

#[test]
fn kills_of_nodes_and_of_redis_lose_and_double_nothing() {
    if let Some(redis) = Redis::start() {
        survives(9, Some(redis));
    }
}
