//! Connections that the server ends.

use std::sync::mpsc;

use actix_web::rt::task::JoinHandle;
use diesel::RunQueryDsl as _;
use serde_json::json;
use souk::db::DbError;

use crate::both_engines;
use crate::support::{Engine, SocketIo, TestApp, eventually, stalled};

use super::fixtures::{db_ring, db_session};
use super::socketio::poller;

/// A unit of work that keeps all others from storing messages: SQLite has one writer, PostgreSQL lets others in beside.
struct Held {
    let_go: mpsc::SyncSender<()>,
    holding: JoinHandle<Result<(), DbError>>,
}

impl Held {
    async fn all(app: &TestApp) -> Self {
        let (let_go, wait) = mpsc::sync_channel::<()>(1);
        let (is_held, held) = mpsc::sync_channel::<()>(1);
        let is_postgres = app.engine == Engine::Postgres;
        let db = app.server.db.clone();
        let holding = actix_web::rt::spawn(async move {
            let hold = db.write(move |uow| {
                if is_postgres {
                    diesel::sql_query("LOCK TABLE messages").execute(uow.conn())?;
                }
                let _ = is_held.send(());
                let _ = wait.recv();
                Ok::<_, DbError>(())
            });
            hold.await
        });
        eventually(async || held.try_recv().is_ok()).await;
        Self { let_go, holding }
    }

    async fn let_go(self) {
        self.let_go.send(()).unwrap();
        self.holding.await.unwrap().unwrap();
    }
}

/// Stops the server once it runs the first message.
async fn stop_while_a_message_is_sent(app: &TestApp) {
    let commands = r#"souk_realtime_commands_total{type="chat_message"} 1"#;
    let runs = async || String::from_utf8(app.server.metrics.render().unwrap()).unwrap().contains(commands);
    eventually(runs).await;
    app.stop_gracefully();
}

/// A message as a packet of Socket.IO, to be acknowledged by the number 7.
fn message(room: &str) -> String {
    let session = room.strip_prefix("session:").unwrap();
    let data = json!({"session_id": session, "text": "Hello", "client_msg_id": "a"});
    format!("427{}", json!(["chat_message", data]))
}

both_engines! {
    async fn a_server_that_stops_says_when_to_come_back(app) {
        let ana = app.consumer("ana").await;
        let mut socket = ana.live().await;
        app.stop_gracefully();
        let notice = socket.recv("disconnecting").await;
        assert_eq!(notice["reason"], "server_restarting");
        assert!(notice["reconnect_in_ms"].as_u64().unwrap() <= 5_000);
        assert_eq!(socket.closed().await.code, 1012);
    }

    async fn a_command_that_runs_when_the_server_stops_is_answered(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let room = db_session(app, &ana, &ben).await;
        let mut socket = ana.live().await;
        let held = Held::all(app).await;
        let message = json!({
            "type": "chat_message", "room": room, "text": "Hello", "client_msg_id": "a", "id": "b",
        });
        socket.send(message).await;
        stop_while_a_message_is_sent(app).await;
        socket.recv("disconnecting").await;
        held.let_go().await;
        let answer = socket.recv("ack").await;
        assert_eq!((&answer["id"], answer["seq"].is_u64()), (&json!("b"), true), "{answer}");
        assert_eq!(socket.closed().await.code, 1012);
    }

    async fn so_is_one_of_socket_io(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let message = message(&db_session(app, &ana, &ben).await);
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let held = Held::all(app).await;
        socket.send(&message).await;
        stop_while_a_message_is_sent(app).await;
        let told = socket.recv("error").await;
        assert!(told["reconnect_in_ms"].is_u64(), "{told}");
        held.let_go().await;
        let answer = socket.recv("ack 7").await;
        assert_eq!((&answer["ok"], answer["seq"].is_u64()), (&json!(true), true), "{answer}");
        assert_eq!(socket.ended().await.1, 1012);
    }

    async fn so_is_one_of_socket_io_by_polling(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let message = message(&db_session(app, &ana, &ben).await);
        let anyone = app.anyone();
        let poller = poller(&anyone).await;
        let connect = format!("40{}", json!({"token": ana.token().unwrap()}));
        assert_eq!(anyone.post_text(&poller, &connect).await.text, "ok");
        let poll = async |until: &str| {
            let mut told = String::new();
            while !told.contains(until) {
                let answer = anyone.get(&poller).await;
                assert_eq!(answer.status, 200, "{} after {told}", answer.text);
                told += &answer.text;
            }
            told
        };
        poll("connection_established").await;
        let held = Held::all(app).await;
        assert_eq!(anyone.post_text(&poller, &message).await.text, "ok");
        stop_while_a_message_is_sent(app).await;
        let before = poll("reconnect_in_ms").await;
        assert!(!before.contains("437["), "not before it is stored: {before}");
        held.let_go().await;
        let answer = poll("437[").await;
        assert!(answer.contains(r#""ok":true"#), "{answer}");
    }

    async fn a_client_that_does_not_read_is_cut_off(
        app with [
            "--outbox-soft=32KiB", "--outbox-hard=64KiB", "--socket-send-buffer=16KiB", "--eviction-grace=1s",
        ]
    ) {
        let ben = app.provider("ben").await;
        let stalled = stalled(app.address, &ben.live_path(), &json!({"type": "join", "room": ben.room()})).await;
        let mut ringing = 0;
        while app.server.hub.connections_of(ben.user()) > 0 {
            ringing += 1;
            assert!(ringing < 100_000, "it is still there");
            db_ring(app, &ben.room(), ringing).await;
        }
        drop(stalled);
    }
}
