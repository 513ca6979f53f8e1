//! Members of a room see each other, whichever node each is connected to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::{Cluster, offer, on_postgres, run};
use crate::support::{Person, Socket, eventually, id, own_postgres};

async fn join(person: &Person, room: &str) -> Socket {
    let mut socket = person.live().await;
    socket.ack(json!({"type": "join", "room": room})).await;
    socket
}

async fn members(socket: &mut Socket, room: &str) -> Vec<String> {
    let answer = socket.ack(json!({"type": "presence", "room": room})).await;
    answer["members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The next notice of this type, which may take longer than usual.
async fn in_a_while(socket: &mut Socket, kind: &str) -> Value {
    for _ in 0..6 {
        if let Ok(notice) = tokio::time::timeout(Duration::from_secs(5), socket.recv(kind)).await {
            return notice;
        }
    }
    panic!("no {kind}");
}

/// A consumer and a provider, and the room of their chat.
async fn chat(cluster: &Cluster) -> (Person, Person, String) {
    let (ana, ben) = (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
    let offer = offer(&ana, &ben, 24).await;
    let room = format!("session:{}", offer["session_id"].as_str().unwrap());
    (ana, ben, room)
}

fn sorted(mut ids: [&str; 2]) -> Vec<String> {
    ids.sort_unstable();
    ids.map(str::to_owned).into()
}

#[test]
fn who_comes_and_goes_is_seen_on_every_node() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (ana, ben, room) = chat(&cluster).await;
        let mut here = join(&ana, &room).await;
        let mut there = join(&cluster.at(1, &ben).await, &room).await;
        assert_eq!(here.recv("presence").await["joined"], ben.id);
        let both = sorted([&ana.id, &ben.id]);
        assert_eq!(members(&mut here, &room).await, both);
        // Who was there before is seen by who comes, if not at once.
        while members(&mut there, &room).await != both {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        // The user stays as long as one of the connections does, on any node.
        let second = join(&ben, &room).await;
        there.ack(json!({"type": "leave", "room": room})).await;
        stored(&url, &room, &ben, 0).await;
        let mut third = join(&cluster.at(1, &ben).await, &room).await;
        stored(&url, &room, &ben, 1).await;
        // What was committed before this has been heard when this is.
        third.ack(json!({"type": "chat_message", "room": room, "text": "hi", "client_msg_id": "1"})).await;
        here.event("message.sent").await;
        second.close().await;
        assert_eq!(members(&mut here, &room).await, both);
        third.close().await;
        assert_eq!(here.recv("presence").await, json!({"type": "presence", "room": room, "left": ben.id}));
        assert_eq!(members(&mut here, &room).await, [&*ana.id]);
        assert!(here.take_all("presence").is_empty(), "nothing else was told");
    });
}

#[test]
fn users_of_a_node_that_stops_or_dies_are_gone() {
    on_postgres(async |url| {
        let mut cluster = Cluster::start(3, &url);
        let (ana, ben, room) = chat(&cluster).await;
        let mut here = join(&ana, &room).await;
        for node in [2, 1] {
            let _there = join(&cluster.at(node, &ben).await, &room).await;
            assert_eq!(here.recv("presence").await["joined"], ben.id);
            let process = cluster.nodes.remove(node);
            if node == 2 {
                assert!(process.terminate().success());
            } else {
                // It is missed 10 s later.
                process.kill();
            }
            assert_eq!(in_a_while(&mut here, "presence").await["left"], ben.id);
            assert_eq!(members(&mut here, &room).await, [&*ana.id]);
        }
    });
}

#[test]
fn a_crash_of_the_database_leaves_everybody_where_they_are() {
    let Some(postgres) = own_postgres() else { return };
    run(async {
        let cluster = Cluster::start(3, &postgres.url());
        let (ana, ben, room) = chat(&cluster).await;
        let mut here = join(&ana, &room).await;
        let _there = join(&cluster.at(1, &ben).await, &room).await;
        assert_eq!(here.recv("presence").await["joined"], ben.id);
        // The tables of who is where are emptied by this.
        postgres.stop("immediate");
        postgres.start_again();
        let both = sorted([&ana.id, &ben.id]);
        eventually(async || {
            let mut third = join(&cluster.at(2, &ana).await, &room).await;
            members(&mut third, &room).await == both
        })
        .await;
        while members(&mut here, &room).await != both {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

/// Waits until so many nodes, without the first one, are stored to have this user in the room.
async fn stored(url: &str, room: &str, user: &Person, nodes: i64) {
    use diesel::prelude::*;
    let mut database = PgConnection::establish(url).unwrap();
    let condition = format!("room = '{room}' AND user_id = '{}'", user.id);
    let query = format!(
        "SELECT count(*) FROM room_members WHERE {condition} AND node <> (SELECT id FROM nodes ORDER BY id LIMIT 1)"
    );
    loop {
        let found: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("({query})")))
            .get_result(&mut database)
            .unwrap();
        if found == nodes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the first node has looked anew who is on the others, as it does each time after it said that it lives.
async fn first_node_has_looked(url: &str) {
    use diesel::prelude::*;
    let mut database = PgConnection::establish(url).unwrap();
    let mut seen_at = || -> i64 {
        let query =
            diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT seen_at FROM nodes ORDER BY id LIMIT 1)");
        diesel::select(query).get_result(&mut database).unwrap()
    };
    for _ in 0..2 {
        let before = seen_at();
        while seen_at() == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn open_board(person: &Person, project: &str, client: &str) -> Socket {
    let token = person.token().unwrap();
    let path = format!("/ws/kanban/projects/{project}?token={token}&client_id={client}");
    let mut socket = Socket::connect(person.address(), &path).await;
    socket.recv("connection_established").await;
    socket
}

#[test]
fn clients_of_a_board_are_counted_on_all_nodes_and_replaced_on_any() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let ana = cluster.register("ana", "consumer").await;
        let there = cluster.at(1, &ana).await;
        let project = ana.post("/projects", json!({"title": "Kitchen"})).await.ok();
        let project = id(&project).to_owned();
        let count = async |at: &Person| -> Value {
            at.get(&format!("/ws/kanban/projects/{project}/clients")).await.ok()["active_clients"].clone()
        };
        let mut tab = open_board(&ana, &project, "tab").await;
        tab.recv_pong().await;
        let mut other = open_board(&there, &project, "other").await;
        other.recv_pong().await;
        // Nodes that have just started hear of each other a moment later.
        eventually(async || (count(&ana).await, count(&there).await) == (json!(2), json!(2))).await;

        let mut again = open_board(&there, &project, "tab").await;
        assert_eq!(tab.closed().await.code, 1000, "replaced by the same client on the other node");
        again.recv_pong().await;
        eventually(async || count(&ana).await == json!(2)).await;
        assert!(other.take_all("client_joined").is_empty(), "it only changed its connection");
        again.close().await;
        assert_eq!(other.recv("client_left").await["client_id"], "tab");
        eventually(async || (count(&ana).await, count(&there).await) == (json!(1), json!(1))).await;
    });
}

#[test]
fn clients_of_a_board_are_missed_once_when_their_node_dies() {
    on_postgres(async |url| {
        let mut cluster = Cluster::start(2, &url);
        let ana = cluster.register("ana", "consumer").await;
        let there = cluster.at(1, &ana).await;
        let project = ana.post("/projects", json!({"title": "Kitchen"})).await.ok();
        let project = id(&project).to_owned();
        let mut watcher = open_board(&ana, &project, "watcher").await;
        let _lost = open_board(&there, &project, "lost").await;
        let _moves = open_board(&there, &project, "moves").await;
        let clients = format!("/ws/kanban/projects/{project}/clients");
        let count = async || ana.get(&clients).await.ok()["active_clients"].clone();
        eventually(async || count().await == json!(3)).await;
        first_node_has_looked(&url).await;
        cluster.nodes.remove(1).kill();
        let killed = Instant::now();
        let mut moved = open_board(&ana, &project, "moves").await;
        let left = in_a_while(&mut watcher, "client_left").await;
        assert_eq!((&left["client_id"], &left["active_clients"]), (&json!("lost"), &json!(2)), "{left}");
        assert_eq!((&left["user_id"], &left["user_email"]), (&json!(ana.id), &json!("ana@example.com")));
        assert!(
            killed.elapsed() < Duration::from_secs(20),
            "13 s, where nothing else keeps the machine busy"
        );
        assert_eq!(moved.recv("client_left").await["client_id"], "lost");

        // It comes back as a new one, and nobody else is missed.
        let mut lost = open_board(&ana, &project, "lost").await;
        lost.recv_pong().await;
        assert_eq!(watcher.recv("client_joined").await["client_id"], "lost");
        moved.close().await;
        assert_eq!(watcher.recv("client_left").await["client_id"], "moves");
        assert!(watcher.take_all("client_left").is_empty());
        assert!(watcher.take_all("client_joined").is_empty(), "who only changed its connection did not come");
    });
}
