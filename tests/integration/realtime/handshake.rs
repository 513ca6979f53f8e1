//! Who is let in, and what those are told who are not.

use std::time::Duration;

use serde_json::json;

use super::people::Person;
use crate::both_engines;
use crate::support::{Socket, TestApp};

/// The code with which a handshake ends.
async fn refused(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    Socket::connect_with(app.address, path, headers).await.unwrap().closed().await.code
}

both_engines! {
    async fn the_first_notice_says_who_is_here(app) {
        let ana = Person::new(app, "ana", "consumer").await;
        for path in [ana.path(), format!("/api/v1{}", ana.path())] {
            let mut socket = Socket::connect(app.address, &path).await;
            let greeting = socket.next().await.unwrap();
            assert_eq!(greeting["type"], "connection_established");
            assert_eq!(greeting["user_id"], ana.user.to_string());
            assert_eq!(greeting["user_email"], "ana@example.com");
            assert_eq!((&greeting["role"], &greeting["plan"]), (&json!("consumer"), &json!("free")));
            assert_eq!(greeting["heartbeat_s"], 25);
            assert!(greeting["session_id"].is_string() && greeting["expires_at"].is_string());
            assert!(greeting["timestamp"].is_string());
        }
    }

    async fn a_token_may_come_in_three_places(app) {
        let ana = Person::new(app, "ana", "consumer").await;
        let bearer = format!("Bearer {}", ana.token);
        let protocols = format!("bearer, {}", ana.token);
        for header in [("authorization", bearer.as_str()), ("sec-websocket-protocol", &protocols)] {
            let mut socket = Socket::connect_with(app.address, "/ws", &[header]).await.unwrap();
            socket.recv("connection_established").await;
        }
        let garbage = ("authorization", "Bearer garbage");
        let mut socket = Socket::connect_with(app.address, &ana.path(), &[garbage]).await.unwrap();
        socket.recv("connection_established").await;
        assert_eq!(refused(app, "/ws?token=garbage", &[("authorization", &bearer)]).await, 4001, "the first counts");
    }

    async fn a_ticket_opens_one_door_once_and_for_half_a_minute(app) {
        let ana = Person::new(app, "ana", "consumer").await;
        let ticket = async || {
            let given = app.with_token(&ana.token).post("/auth/ticket", json!(null)).await.ok();
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

    async fn each_refusal_has_its_code(app) {
        let [ana, ben, eve] = [
            Person::new(app, "ana", "consumer").await,
            Person::new(app, "ben", "provider").await,
            Person::new(app, "eve", "consumer").await,
        ];
        assert_eq!(refused(app, "/ws", &[]).await, 4001, "no token");
        assert_eq!(refused(app, "/ws?token=a.b.c", &[]).await, 4001, "no token of ours");
        app.with_token(&ana.token).post("/auth/logout", json!({})).await.ok();
        assert_eq!(refused(app, &ana.path(), &[]).await, 4001, "revoked");
        let user = eve.user;
        let suspended = app.server.db.write(move |uow| {
            use diesel::prelude::*;
            use souk::db::schema::users;
            diesel::update(users::table.find(user)).set(users::is_active.eq(false)).execute(uow.conn())?;
            Ok::<_, souk::db::DbError>(())
        });
        suspended.await.unwrap();
        assert_eq!(refused(app, &eve.path(), &[]).await, 4002, "suspended");
        app.clock.advance(Duration::from_secs(31 * 60));
        assert_eq!(refused(app, &ben.path(), &[]).await, 4001, "expired");
        assert_eq!(app.server.hub.snapshot().await.unwrap().connections, 0, "nobody was registered");
    }

    async fn only_pages_of_the_list_are_let_in(app with ["--allowed-origins=https://app.example"]) {
        let ana = Person::new(app, "ana", "consumer").await;
        let mut socket =
            Socket::connect_with(app.address, &ana.path(), &[("origin", "https://app.example")]).await.unwrap();
        socket.recv("connection_established").await;
        for origin in ["https://app.example.evil.test", "http://app.example", "null"] {
            assert_eq!(refused(app, &ana.path(), &[("origin", origin)]).await, 4003, "{origin}");
        }
        ana.connect(app).await;
    }

    async fn a_user_has_as_many_connections_as_the_plan_says(app with ["--free-connections=2"]) {
        let ana = Person::new(app, "ana", "consumer").await;
        let first = ana.connect(app).await;
        let _second = ana.connect(app).await;
        assert_eq!(refused(app, &ana.path(), &[]).await, 4008);
        Person::new(app, "ben", "provider").await.connect(app).await;
        first.close().await;
        ana.connect(app).await;
    }

    async fn an_address_sends_so_many_strangers(app with ["--unauthenticated-per-address=2"]) {
        // Refused and closed, but not gone: these do not answer the close.
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
