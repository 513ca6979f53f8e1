//! Connections that the server ends.

use std::sync::mpsc;

use diesel::RunQueryDsl as _;
use serde_json::json;
use souk::db::DbError;

use crate::both_engines;
use crate::support::{Engine, eventually, stalled};

use super::fixtures::{db_ring, db_session};

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
        let (let_go, wait) = mpsc::sync_channel::<()>(1);
        let is_postgres = app.engine == Engine::Postgres;
        let (is_held, held) = mpsc::sync_channel::<()>(1);
        let db = app.server.db.clone();
        // SQLite has one writer, which this keeps; PostgreSQL lets others in beside.
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
        let message = json!({
            "type": "chat_message", "room": room, "text": "Hello", "client_msg_id": "a", "id": "b",
        });
        socket.send(message).await;
        let commands = r#"souk_realtime_commands_total{type="chat_message"} 1"#;
        let runs = async || String::from_utf8(app.server.metrics.render().unwrap()).unwrap().contains(commands);
        eventually(runs).await;
        app.stop_gracefully();
        socket.recv("disconnecting").await;
        let_go.send(()).unwrap();
        let answer = socket.recv("ack").await;
        assert_eq!((&answer["id"], answer["seq"].is_u64()), (&json!("b"), true), "{answer}");
        assert_eq!(socket.closed().await.code, 1012);
        holding.await.unwrap().unwrap();
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
