//! A server that is killed while a task is moved: the same command again is the same move.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Database, Person, Process, Socket, id};

const KILLS: i64 = 6;
const FLAGS: &[&str] = &["--free-requests=1000000"];

both_engines! {
    fn a_move_that_is_sent_again_after_a_kill_is_one(database) {
        actix_web::rt::System::new().block_on(survive(database));
    }
}

async fn survive(database: &Database) {
    let url = database.url();
    let mut server = Process::start("127.0.0.1:0", &url, FLAGS);
    let ana = Person::register(&server.client(None), "ana", "consumer").await;
    let token = ana.token().unwrap().to_owned();
    let project = id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()).to_owned();
    let task = ana.post(&format!("/projects/{project}/tasks"), json!({"title": "Tiles"})).await.ok();
    let columns = ana.get(&format!("/projects/{project}/columns")).await.ok()["items"].clone();
    let live = format!("/ws?token={token}");
    for version in 1..=KILLS {
        let to = &columns[usize::try_from(version).unwrap() % 3];
        let moving = json!({
            "type": "task.move", "project_id": project, "task_id": task["id"], "version": version,
            "column_id": to["id"], "client_msg_id": format!("m-{version}"),
        });
        let mut socket = Socket::connect(server.address, &live).await;
        socket.recv("connection_established").await;
        socket.send(moving.clone()).await;
        if version % 2 == 0 {
            // Committed for certain, and the answer is thrown away.
            socket.recv_pong().await;
        }
        server.kill();
        server = Process::start("127.0.0.1:0", &url, FLAGS);
        let mut socket = Socket::connect(server.address, &live).await;
        socket.recv("connection_established").await;
        let moved = socket.ack(moving).await["task"].clone();
        assert_eq!((&moved["version"], &moved["column_id"]), (&json!(version + 1), &to["id"]));
    }
    let ana = server.client(Some(&token));
    let activity = ana.get(&format!("/projects/{project}/activity?limit=100")).await.ok();
    let kinds: Vec<_> = activity["items"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
    let expected: Vec<Value> =
        std::iter::repeat_n(json!("task.moved"), 6).chain([json!("task.created")]).collect();
    assert_eq!(kinds, expected.iter().collect::<Vec<_>>());
    assert!(server.terminate().success());
}
