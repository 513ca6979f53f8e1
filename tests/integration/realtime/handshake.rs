//! Handshakes: who is admitted, and what others are told.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use serde_json::json;

use crate::both_engines;
use crate::support::{Engine, Socket, SocketIo, TestApp, eventually, run};

/// The close code of a handshake.
async fn refused(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    Socket::connect_with(app.address, path, headers).await.unwrap().closed().await.code
}

/// Whether a statement waits for a lock that another transaction holds.
fn is_any_waiting(app: &TestApp) -> bool {
    let mut connection = PgConnection::establish(&app.database_url).unwrap();
    let waits =
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    diesel::sql_query(waits).execute(&mut connection).unwrap() > 0
}

#[test]
fn who_is_greeted_misses_nothing_from_then_on() {
    run(Engine::Postgres, &[], async |app| {
        let (ana, ben) = (app.consumer("ana").await, app.consumer("ben").await);
        let project = ana.post("/projects", json!({"title": "The bathroom"})).await.ok();
        let mut holder = PgConnection::establish(&app.database_url).unwrap();
        // The positions of rooms, without which nobody can join one.
        holder.batch_execute("BEGIN; LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE").unwrap();
        let mut socket = Socket::connect(app.address, &ben.live_path()).await;
        eventually(async || is_any_waiting(app)).await;
        // What was sent before the join would be here long before that.
        let early = tokio::time::timeout(Duration::from_millis(300), socket.next()).await;
        assert!(early.is_err(), "{early:?}, and not yet in the user's own room");
        drop(holder);
        socket.recv("connection_established").await;
        let invitations = format!("/projects/{}/invitations", project["id"].as_str().unwrap());
        ana.post(&invitations, json!({"user_id": ben.id, "role": "viewer"})).await.ok();
        socket.event("invitation.created").await;
    });
}

both_engines! {
    async fn the_first_notice_says_who_is_here(app) {
        let ana = app.consumer("ana").await;
        for path in [ana.live_path(), format!("/api/v1{}", ana.live_path())] {
            let mut socket = Socket::connect(app.address, &path).await;
            let greeting = socket.next().await.unwrap();
            assert_eq!(greeting["type"], "connection_established");
            assert_eq!(greeting["user_id"], ana.id.to_string());
            assert_eq!(greeting["user_email"], "ana@example.com");
            assert_eq!((&greeting["role"], &greeting["plan"]), (&json!("consumer"), &json!("free")));
            assert_eq!(greeting["heartbeat_s"], 25);
            assert!(greeting["session_id"].is_string() && greeting["expires_at"].is_string());
            assert!(greeting["timestamp"].is_string());
        }
    }

    async fn a_token_may_come_in_three_places(app) {
        let ana = app.consumer("ana").await;
        let bearer = format!("Bearer {}", ana.token().unwrap());
        let protocols = format!("bearer, {}", ana.token().unwrap());
        for header in [("authorization", bearer.as_str()), ("sec-websocket-protocol", &protocols)] {
            let mut socket = Socket::connect_with(app.address, "/ws", &[header]).await.unwrap();
            socket.recv("connection_established").await;
        }
        let garbage = ("authorization", "Bearer garbage");
        let mut socket = Socket::connect_with(app.address, &ana.live_path(), &[garbage]).await.unwrap();
        socket.recv("connection_established").await;
        assert_eq!(refused(app, "/ws?token=garbage", &[("authorization", &bearer)]).await, 4001, "the first counts");
    }

    async fn a_ticket_opens_one_door_once_and_for_half_a_minute(app) {
        let ana = app.consumer("ana").await;
        let ticket = async || {
            let given = ana.post("/auth/ticket", json!(null)).await.ok();
            format!("/ws?ticket={}", given["ticket"].as_str().unwrap())
        };
        let path = ticket().await;
        let mut socket = Socket::connect(app.address, &path).await;
        assert_eq!(socket.recv("connection_established").await["user_email"], "ana@example.com");
        assert_eq!(refused(app, &path, &[]).await, 4001, "used");
        assert_eq!(refused(app, "/ws?ticket=none", &[]).await, 4001, "made up");
        let late = ticket().await;
        app.clock.advance(Duration::from_secs(31));
        assert_eq!(refused(app, &late, &[]).await, 4001, "too late");
    }

    async fn only_pages_of_the_list_are_let_in(app with ["--allowed-origins=https://app.example"]) {
        let ana = app.consumer("ana").await;
        let mut socket =
            Socket::connect_with(app.address, &ana.live_path(), &[("origin", "https://app.example")]).await.unwrap();
        socket.recv("connection_established").await;
        for origin in ["https://app.example.evil.test", "http://app.example", "null"] {
            assert_eq!(refused(app, &ana.live_path(), &[("origin", origin)]).await, 4003, "{origin}");
        }
        ana.live().await;
    }

    async fn pages_of_this_machine_are_let_in_in_development(app) {
        let ana = app.consumer("ana").await;
        for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"] {
            let mut socket = Socket::connect_with(app.address, &ana.live_path(), &[("origin", origin)]).await.unwrap();
            socket.recv("connection_established").await;
            let mut socket = SocketIo::open(app.address, "", &[("origin", origin)]).await;
            socket.knock("/", json!({"token": ana.token().unwrap()})).await.unwrap();
        }
        let elsewhere = [("origin", "http://localhost.evil.test")];
        assert_eq!(refused(app, &ana.live_path(), &elsewhere).await, 4003);
    }

    async fn and_in_production_they_are_not(app with ["--env=production"]) {
        let ana = app.consumer("ana").await;
        let page = [("origin", "http://localhost:5173")];
        assert_eq!(refused(app, &ana.live_path(), &page).await, 4003);
        let mut socket = SocketIo::open(app.address, "", &page).await;
        let refusal = socket.knock("/", json!({"token": ana.token().unwrap()})).await.unwrap_err();
        assert!(refusal["message"].as_str().unwrap().starts_with("origin not allowed"), "{refusal}");
    }

    async fn a_user_has_as_many_connections_as_the_plan_says(app with ["--free-connections=2"]) {
        let ana = app.consumer("ana").await;
        let first = ana.live().await;
        let _second = ana.live().await;
        assert_eq!(refused(app, &ana.live_path(), &[]).await, 4008);
        app.provider("ben").await.live().await;
        first.close().await;
        ana.live().await;
    }

    async fn an_address_sends_so_many_strangers(app with ["--unauthenticated-per-address=2"]) {
        // Refused, but still open: these clients do not answer the close frame.
        let _first = Socket::connect(app.address, "/ws").await;
        let _second = Socket::connect(app.address, "/ws").await;
        let refused = Socket::connect_with(app.address, "/ws", &[]).await.err().expect("no upgrade");
        assert!(refused.to_string().contains("429"), "{refused}");
    }

    async fn what_is_no_websocket_gets_a_problem(app) {
        let answer = app.anyone().get("/ws").await;
        let problem = answer.refused(426);
        assert_eq!(problem["code"], "upgrade_required");
        assert_eq!(answer.header("upgrade"), Some("websocket"));
    }
}
