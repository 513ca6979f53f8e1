//! What one node commits reaches the members on the others: everything, once and in order.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::world::{Cluster, accept, offer, on_postgres};
use crate::support::{Person, Socket, id};

async fn say(socket: &mut Socket, room: &str, text: &str) {
    socket.ack(json!({"type": "chat_message", "room": room, "text": text, "client_msg_id": text})).await;
}

/// The texts of this many messages, and their positions.
async fn hear(socket: &mut Socket, count: usize) -> Vec<(u64, String)> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let event = socket.event("message.sent").await;
        heard.push((event["seq"].as_u64().unwrap(), event["data"]["text"].as_str().unwrap().to_owned()));
    }
    heard
}

async fn join(person: &Person, room: &str) -> Socket {
    let mut socket = person.live().await;
    socket.ack(json!({"type": "join", "room": room})).await;
    socket
}

#[test]
fn both_sides_of_a_chat_may_be_connected_to_different_nodes() {
    on_postgres(async |url| {
        let cluster = Cluster::start(3, &url);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let offer = offer(&ana, &ben, 24).await;
        let room = format!("session:{}", offer["session_id"].as_str().unwrap());
        let mut of_ana = join(&ana, &room).await;
        let mut of_ben = join(&cluster.at(1, &ben).await, &room).await;
        let mut elsewhere = join(&cluster.at(2, &ana).await, &room).await;
        for number in 0..25 {
            let (of_a, of_b) = (format!("a{number}"), format!("b{number}"));
            tokio::join!(say(&mut of_ana, &room, &of_a), say(&mut of_ben, &room, &of_b));
        }
        let heard = hear(&mut elsewhere, 50).await;
        assert_eq!(hear(&mut of_ana, 50).await, heard);
        assert_eq!(hear(&mut of_ben, 50).await, heard);
        let first = heard[0].0;
        let positions: Vec<u64> = heard.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(positions, (first..first + 50).collect::<Vec<_>>(), "without a gap");
        for mut socket in [of_ana, of_ben, elsewhere] {
            socket.recv_pong().await;
            assert_eq!(socket.take_all("event").len(), 0, "and nothing twice");
        }
    });
}

#[test]
fn a_transaction_that_stays_open_delays_nobody() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let offer = offer(&ana, &ben, 24).await;
        let room = format!("session:{}", offer["session_id"].as_str().unwrap());
        let mut of_ana = join(&ana, &room).await;
        let mut of_ben = join(&cluster.at(1, &ben).await, &room).await;
        let mut other = diesel::PgConnection::establish(&url).unwrap();
        // A transaction with a number of its own, older than all that follow.
        other.batch_execute("BEGIN; SELECT pg_current_xact_id()").unwrap();
        say(&mut of_ana, &room, "while it is open").await;
        assert_eq!(hear(&mut of_ben, 1).await[0].1, "while it is open");
        other.batch_execute("COMMIT").unwrap();
    });
}

#[test]
fn admins_hear_of_every_nodes_decisions_without_a_gap() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let root = cluster.admin().await;
        let mut here = join(&root, "admin").await;
        let mut there = join(&cluster.at(1, &root).await, "admin").await;
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let (ana_there, ben_there) = (cluster.at(1, &ana).await, cluster.at(1, &ben).await);
        let mut bookings = Vec::new();
        for number in 0..6 {
            let (consumer, provider) = match number % 2 {
                0 => (&ana, &ben_there),
                _ => (&ana_there, &ben),
            };
            let offer = offer(consumer, provider, 24 + 2 * number).await;
            bookings.push(accept(&ana_there, &offer).await);
        }
        let mut heard: Vec<Vec<Value>> = Vec::new();
        for socket in [&mut here, &mut there] {
            let mut events: Vec<Value> = Vec::new();
            let is_last = |event: &Value| {
                event["kind"] == "booking.created" && event["data"]["booking_id"] == bookings[5]
            };
            while !events.last().is_some_and(is_last) {
                let event = socket.recv("event").await;
                if event["room"] == "admin" {
                    events.push(event);
                }
            }
            heard.push(events);
        }
        assert_eq!(heard[0], heard[1], "both nodes' admins hear the same");
        let positions: Vec<u64> = heard[0].iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(positions, (positions[0]..positions[0] + positions.len() as u64).collect::<Vec<_>>());
        let created = heard[0].iter().filter(|event| event["kind"] == "booking.created").count();
        assert_eq!(created, 6);
    });
}

#[test]
fn a_leader_that_is_killed_is_replaced() {
    a_leader_is_replaced(|cluster| cluster.nodes.remove(0).kill());
}

#[test]
fn a_leader_that_hangs_is_replaced() {
    a_leader_is_replaced(|cluster| cluster.nodes[0].signal("STOP"));
}

fn a_leader_is_replaced(ends: impl Fn(&mut Cluster)) {
    on_postgres(async |url| {
        let mut cluster = Cluster::start(2, &url);
        let root = cluster.admin().await;
        let ana = cluster.register("ana", "consumer").await;
        let ana_there = cluster.at(1, &ana).await;
        let mut there = join(&cluster.at(1, &root).await, "admin").await;
        ana.post("/requests", crate::support::usual_request()).await.ok();
        let first = there.event("request.published").await;
        // Started first, it leads.
        ends(&mut cluster);
        let request = ana_there.post("/requests", crate::support::usual_request()).await.ok();
        let second = there.event("request.published").await;
        assert_eq!(second["data"]["request_id"], id(&request), "{second}");
        assert!(second["seq"].as_u64() > first["seq"].as_u64());
        assert_eq!(second["room"], "admin");
    });
}
