//! Redis between the nodes: what is not stored crosses nodes, and nothing depends on it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::{Cluster, offer, on_postgres};
use crate::support::{Person, Redis, SilentProxy, Socket, eventually, id};

/// Two nodes on Redis, and both sides of a chat, each connected to one.
struct Chat {
    cluster: Cluster,
    room: String,
    of_ana: Socket,
    of_ben: Socket,
    ana: Person,
    ben: Person,
}

impl Chat {
    async fn over(redis_url: &str, url: &str) -> Self {
        let cluster = Cluster::start_with(2, url, &["--redis-url", redis_url]);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let offer = offer(&ana, &ben, 24).await;
        let room = format!("session:{}", offer["session_id"].as_str().unwrap());
        let (mut of_ana, mut of_ben) = (ana.live().await, cluster.at(1, &ben).await.live().await);
        for socket in [&mut of_ana, &mut of_ben] {
            socket.ack(json!({"type": "join", "room": room})).await;
        }
        let mut chat = Self { cluster, room, of_ana, of_ben, ana, ben };
        chat.is_up(1.0).await;
        chat.nodes_know_each_other().await;
        chat
    }

    /// Waits until signals get through both ways: for two seconds after its start a node may be a stranger.
    async fn nodes_know_each_other(&mut self) {
        self.signal(&json!("there?")).await;
        std::mem::swap(&mut self.of_ana, &mut self.of_ben);
        self.signal(&json!("here?")).await;
        std::mem::swap(&mut self.of_ana, &mut self.of_ben);
        for socket in [&mut self.of_ana, &mut self.of_ben] {
            socket.recv_pong().await;
            socket.take_all("signal");
        }
    }

    /// Waits until both nodes say that Redis is there, or is not.
    async fn is_up(&self, up: f64) {
        for node in 0..2 {
            eventually(async || self.metric(node, "souk_bus_up").await == up).await;
        }
    }

    async fn metric(&self, node: usize, name: &str) -> f64 {
        let metrics = self.cluster.nodes[node].client(None).get("/metrics").await;
        let line = metrics.text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Ana writes, and both hear it; returns how long the acknowledgement took.
    async fn say(&mut self, text: &str) -> Duration {
        let began = Instant::now();
        let message = json!({"type": "chat_message", "room": self.room, "text": text, "client_msg_id": text});
        self.of_ana.ack(message).await;
        let acknowledged = began.elapsed();
        for socket in [&mut self.of_ana, &mut self.of_ben] {
            assert_eq!(socket.event("message.sent").await["data"]["text"], text);
        }
        acknowledged
    }

    /// Ana signals until Ben hears it: signals may be lost while nodes do not know each other yet.
    async fn signal(&mut self, data: &Value) -> Value {
        let signal = json!({"type": "signal", "room": self.room, "topic": "eta", "data": data});
        for _ in 0..100 {
            self.of_ana.ack(signal.clone()).await;
            let heard = tokio::time::timeout(Duration::from_millis(100), self.of_ben.recv("signal")).await;
            if let Ok(heard) = heard {
                return heard;
            }
        }
        panic!("no signal arrives");
    }
}

pub(super) fn with_redis<F: Future<Output = ()>>(test: impl Fn(Redis, String) -> F) {
    let Some(redis) = Redis::start() else { return };
    let redis = std::cell::Cell::new(Some(redis));
    on_postgres(|url| test(redis.take().unwrap(), url));
}

#[test]
fn what_is_not_stored_crosses_nodes() {
    with_redis(async |redis, url| {
        let mut chat = Chat::over(&redis.url(), &url).await;
        let heard = chat.signal(&json!({"minutes": 5})).await;
        let expected = json!({"type": "signal", "room": chat.room, "by": chat.ana.id, "topic": "eta",
                              "data": {"minutes": 5}});
        assert_eq!(heard, expected);
        chat.of_ben.ack(json!({"type": "typing", "room": chat.room})).await;
        assert_eq!(chat.of_ana.recv("typing").await["by"], chat.ben.id);
        assert!(chat.of_ben.take_all("typing").is_empty(), "not to who types");
    });
}

#[test]
fn events_come_over_redis_and_need_not_be_read_from_the_log() {
    with_redis(async |redis, url| {
        let mut chat = Chat::over(&redis.url(), &url).await;
        let (received, reads) = ("souk_bus_received_total", "souk_hub_log_reads_total");
        let before = (chat.metric(1, received).await, chat.metric(1, reads).await);
        for number in 0..20 {
            chat.say(&format!("early {number}")).await;
        }
        let after = (chat.metric(1, received).await, chat.metric(1, reads).await);
        assert!(after.0 >= before.0 + 20.0, "{before:?} {after:?}");
        // The database may be the earlier one now and then, but not each time.
        assert!(after.1 < before.1 + 20.0, "{before:?} {after:?}");
    });
}

#[test]
fn what_people_look_at_on_a_board_is_seen_on_every_node() {
    with_redis(async |redis, url| {
        let mut chat = Chat::over(&redis.url(), &url).await;
        let project = chat.ana.post("/projects", json!({"title": "Kitchen"})).await.ok();
        let room = format!("project:{}", id(&project));
        let board = chat.ana.get(&format!("/projects/{}", id(&project))).await.ok();
        let column = chat.ana.post(&format!("/projects/{}/columns", id(&project)), json!({"name": "Next"}));
        let column = column.await.ok();
        let task = json!({"title": "Tiles", "column_id": id(&column)});
        let task = chat.ana.post(&format!("/projects/{}/tasks", id(&project)), task).await.ok();
        assert!(board["id"].is_string());
        chat.of_ana.ack(json!({"type": "join", "room": room})).await;
        let focus =
            json!({"type": "focus", "project_id": id(&project), "task_id": id(&task), "editing": true});
        chat.of_ana.ack(focus).await;
        // Who comes later, on a node that has nobody in the room yet, sees it as well.
        let mut there = chat.cluster.at(1, &chat.ana).await.live().await;
        there.ack(json!({"type": "join", "room": room})).await;
        let mut seen = Value::Null;
        while seen["task_id"] != task["id"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let presence = there.ack(json!({"type": "presence", "room": room})).await;
            seen = presence["focus"][0].clone();
        }
        assert_eq!(seen["editing"], true);
        chat.of_ana.ack(json!({"type": "leave", "room": room})).await;
        while there.recv("focus").await["task_id"] != Value::Null {}
    });
}

#[test]
fn nothing_that_is_stored_depends_on_redis() {
    with_redis(async |mut redis, url| {
        let mut chat = Chat::over(&redis.url(), &url).await;
        chat.say("with it").await;
        redis.stop();
        chat.is_up(0.0).await;
        chat.say("without it").await;
        let mut other = chat.cluster.log_in(1, &chat.ana.email).await.live().await;
        let refused = chat.ana.delete("/auth/sessions").await;
        assert!(refused.status < 300, "{refused}");
        assert_eq!(other.closed().await.code, 4001, "a right that ends, ends");
        redis.start_again();
        chat.is_up(1.0).await;
        let ana = chat.cluster.log_in(0, &chat.ana.email).await;
        chat.of_ana = ana.live().await;
        let room = chat.room.clone();
        let joined = chat.of_ana.ack(json!({"type": "join", "room": room})).await;
        assert!(joined["head"].is_number(), "{joined}");
        chat.say("with it again").await;
        chat.signal(&json!("there again")).await;
    });
}

#[test]
fn a_redis_that_hangs_or_is_cut_off_makes_nobody_wait() {
    with_redis(async |redis, url| {
        let proxy = SilentProxy::before_socket(redis.socket().to_owned());
        let mut chat = Chat::over(&format!("unix://{}", proxy.socket().display()), &url).await;
        for round in ["hangs", "is cut off"] {
            if round == "hangs" {
                redis.signal("STOP")
            } else {
                proxy.fall_silent()
            }
            let mut slowest = Duration::ZERO;
            for number in 0..20 {
                slowest = slowest.max(chat.say(&format!("{round} {number}")).await);
            }
            // Redis would answer after this test, or never.
            assert!(slowest < Duration::from_secs(8), "{slowest:?}");
            chat.is_up(0.0).await;
            if round == "hangs" {
                redis.signal("CONT")
            } else {
                proxy.speak_again()
            }
            chat.is_up(1.0).await;
            chat.signal(&json!(round)).await;
        }
    });
}

#[test]
fn what_a_stranger_or_a_newer_version_publishes_is_ignored() {
    with_redis(async |redis, url| {
        let mut chat = Chat::over(&redis.url(), &url).await;
        let strangers = "souk_bus_dropped_total{reason=\"stranger\"}";
        let before = chat.metric(0, strangers).await;
        let channels = redis.command(&["PUBSUB", "CHANNELS", "souk:*"]);
        let channel = channels.lines().find(|line| line.starts_with("souk:")).expect("a channel").to_owned();
        let typing = json!({"ephemeral": {"ephemeral": {"typing": {"room": chat.room, "by": chat.ben.id}},
                                          "exclude": "nobody"}});
        let stranger = json!({"node": "01890a5d-ac96-774b-bcce-b302099a8057", "message": typing});
        for junk in ["", "{", "[1]", "\u{0}", &stranger.to_string(), r#"{"node":"x","message":{"orbit":1}}"#]
        {
            redis.command(&["PUBLISH", &channel, junk]);
        }
        chat.signal(&json!(2)).await;
        assert!(chat.of_ana.take_all("typing").is_empty() && chat.of_ben.take_all("typing").is_empty());
        let metrics = chat.cluster.nodes[0].client(None).get("/metrics").await.text;
        assert_eq!(chat.metric(0, strangers).await, before + 1.0);
        assert!(metrics.contains(r#"souk_bus_dropped_total{reason="unreadable"} 5"#), "{metrics}");
    });
}

#[test]
fn the_health_of_bus_and_servers_is_told_on_each() {
    with_redis(async |mut redis, url| {
        let mut cluster = Cluster::start_with(2, &url, &["--redis-url", &redis.url()]);
        let root = cluster.admin().await;
        let health = async || root.get("/admin/health").await.ok();
        let part = |health: &Value, name: &str| {
            let parts = health["parts"].as_array().unwrap();
            parts.iter().find(|part| part["part"] == name).unwrap().clone()
        };
        let states = |health: &Value| -> Vec<String> {
            let nodes = health["nodes"].as_array().unwrap().iter();
            nodes.map(|node| node["state"].as_str().unwrap().to_owned()).collect()
        };
        eventually(async || states(&health().await) == ["ok", "ok"]).await;
        eventually(async || part(&health().await, "bus")["state"] == "ok").await;
        let there = cluster.at(1, &root).await.get("/admin/health").await.ok();
        let ids = |health: &Value, current: bool| -> Vec<String> {
            let nodes = health["nodes"].as_array().unwrap().iter();
            nodes.filter(|node| node["current"] == current).map(|node| id(node).to_owned()).collect()
        };
        let here = health().await;
        assert_eq!((ids(&here, true), ids(&here, false)), (ids(&there, false), ids(&there, true)));

        redis.stop();
        eventually(async || part(&health().await, "bus")["state"] == "down").await;
        let away = part(&health().await, "bus");
        assert!(away["because"].as_str().unwrap().contains("not connected (the connection was"), "{away}");
        assert!(away["since"].is_string());
        redis.start_again();
        eventually(async || part(&health().await, "bus")["state"] == "ok").await;

        cluster.nodes.pop().unwrap().kill();
        eventually(async || states(&health().await) == ["ok", "degraded"]).await;
        assert_eq!(part(&health().await, "nodes")["state"], "degraded");
        eventually(async || states(&health().await) == ["ok", "down"]).await;
    });
}
