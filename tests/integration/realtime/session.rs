//! Limits of a session, and when it ends.

use std::time::Duration;

use serde_json::json;

use crate::both_engines;
use crate::support::PASSWORD;

both_engines! {
    async fn mistakes_are_explained_until_there_are_too_many(app with ["--free-messages=1000"]) {
        let mut ana = app.consumer("ana").await.live().await;
        ana.send_text("hello").await;
        let error = ana.recv("error").await;
        assert_eq!(error["code"], "malformed");
        let error = ana.request(json!({"type": "shout"})).await;
        assert_eq!((&error["code"], &error["message"]), (&json!("unknown_type"), &json!("unknown type \"shout\"")));
        let error = ana.request(json!({"type": "join", "room": "kitchen"})).await;
        assert_eq!(error["code"], "invalid");
        ana.send(json!({"type": "ping", "id": "still here"})).await;
        assert_eq!(ana.recv("pong").await["id"], "still here");
        for _ in 3..20 {
            ana.send_text("{}").await;
        }
        assert_eq!(ana.recv("disconnecting").await["reason"], "too_many_mistakes");
        assert_eq!(ana.closed().await.code, 4008);
    }

    async fn who_is_too_fast_is_told_when_to_go_on(app with ["--free-messages=2"]) {
        let mut ana = app.consumer("ana").await.live().await;
        for id in 0..3 {
            ana.send(json!({"type": "ping", "id": id})).await;
        }
        let error = ana.recv("error").await;
        assert_eq!((&error["code"], &error["id"], &error["retry_after"]), (&json!("rate_limited"), &json!(2), &json!(1)));
        for _ in 0..30 {
            ana.send(json!({"type": "ping"})).await;
        }
        assert_eq!(ana.closed().await.code, 4008, "it did not stop");
    }

    async fn a_session_is_warned_and_ends_with_its_token(app) {
        let mut ana = app.consumer("ana").await.live().await;
        app.clock.advance(Duration::from_secs(29 * 60 + 30));
        ana.send(json!({"type": "ping"})).await;
        let warning = ana.recv("token_expiring").await;
        assert!(warning["expires_at"].is_string());
        ana.recv("pong").await;
        app.clock.advance(Duration::from_secs(60));
        ana.send(json!({"type": "ping"})).await;
        assert_eq!(ana.recv("disconnecting").await["reason"], "token_expired");
        let closed = ana.closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4001, "token expired; reconnect with a fresh token"));
    }

    async fn a_token_that_ends_while_nothing_is_said_ends_the_session(app with ["--access-ttl=2s"]) {
        let mut ana = app.consumer("ana").await.live().await;
        ana.recv("token_expiring").await;
        assert_eq!(ana.closed().await.code, 4001);
    }

    async fn a_refreshed_session_goes_on(app) {
        let ana = app.consumer("ana").await;
        let ben = app.provider("ben").await;
        let mut socket = ana.live().await;
        app.clock.advance(Duration::from_secs(20 * 60));
        let form = json!({"email": ana.email, "password": PASSWORD});
        let fresh = app.anyone().post("/auth/token", form).await.ok();
        let ack = socket.ack(json!({"type": "refresh", "token": fresh["access_token"]})).await;
        assert!(ack["expires_at"].is_string());
        let refused = socket.request(json!({"type": "refresh", "token": ben.token().unwrap()})).await;
        assert_eq!(refused["code"], "invalid_token", "another user's");
        let refused = socket.request(json!({"type": "refresh", "token": "a.b.c"})).await;
        assert_eq!(refused["code"], "invalid_token");
        app.clock.advance(Duration::from_secs(20 * 60));
        socket.send(json!({"type": "ping", "id": 1})).await;
        assert_eq!(socket.recv("pong").await["id"], 1, "past the end of the first token");
    }

    async fn a_logout_ends_the_live_sessions_of_that_login(app) {
        let ana = app.consumer("ana").await;
        let mut socket = ana.live().await;
        let form = json!({"email": ana.email, "password": PASSWORD});
        let other = app.anyone().post("/auth/token", form).await.ok();
        let other_path = format!("/ws?token={}", other["access_token"].as_str().unwrap());
        let mut other = crate::support::Socket::connect(app.address, &other_path).await;
        ana.post("/auth/logout", json!({})).await.ok();
        assert_eq!(socket.recv("disconnecting").await["reason"], "token_revoked");
        assert_eq!(socket.closed().await.code, 4001);
        other.send(json!({"type": "ping", "id": 1})).await;
        other.recv("pong").await;
    }
}
