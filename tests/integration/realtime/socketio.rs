//! Socket.IO as the server implements it: admission to namespaces, commands, and how connections end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, SocketIo, TestApp};

use super::fixtures::{db_ring, db_session};

type Headers<'a> = &'a [(&'static str, &'a str)];

/// The data of a `connect_error`.
async fn refused(app: &TestApp, query: &str, headers: Headers<'_>, auth: Value) -> String {
    let mut socket = SocketIo::open(app.address, query, headers).await;
    socket.knock("/", auth).await.unwrap_err()["message"].as_str().unwrap().to_owned()
}

fn session_of(room: &str) -> &str {
    room.strip_prefix("session:").unwrap()
}

/// Opens an Engine.IO polling connection; returns its path with the `sid`.
pub(super) async fn poller(anyone: &Client) -> String {
    let opened = anyone.get("/socket.io/?EIO=4&transport=polling").await;
    let open: Value = serde_json::from_str(opened.text.strip_prefix('0').unwrap()).unwrap();
    format!("/socket.io/?EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap())
}

both_engines! {
    async fn a_session_begins_with_its_data(app) {
        let ana = app.consumer("ana").await;
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        let welcome = socket.knock("/", json!({"token": ana.token().unwrap()})).await.unwrap();
        let greeting = socket.recv("connection_established").await;
        assert_eq!(greeting["session_id"], welcome["sid"]);
        assert_eq!(greeting["user_id"], ana.id.to_string());
        assert_eq!((&greeting["email"], &greeting["role"]), (&json!(ana.email), &json!("consumer")));
        assert_eq!((&greeting["authenticated"], &greeting["plan"]), (&json!(true), &json!("free")));
        assert_eq!(greeting["token_data"]["sub"], ana.id.to_string());
        assert!(greeting["token_data"]["jti"].is_string());
        assert!(!greeting.to_string().contains(ana.token().unwrap()), "the token itself is told to nobody");
    }

    async fn of_several_tokens_the_first_counts(app) {
        let ana = app.consumer("ana").await;
        let good = json!({"token": ana.token().unwrap()});
        let (in_query, bearer) = (format!("&token={}", ana.token().unwrap()), format!("Bearer {}", ana.token().unwrap()));
        let header = [("authorization", bearer.as_str())];
        let bad_header = [("authorization", "Bearer garbage")];
        let cases: [(&str, Headers<'_>, &Value); 5] = [
            ("", &[], &good),
            (&in_query, &[], &Value::Null),
            ("", &header, &json!({})),
            ("&token=garbage", &bad_header, &good),
            (&in_query, &bad_header, &json!({"token": ""})),
        ];
        for (query, headers, auth) in cases {
            let mut socket = SocketIo::open(app.address, query, headers).await;
            assert!(socket.knock("/", auth.clone()).await.is_ok(), "{query} {headers:?} {auth}");
        }
        assert_eq!(refused(app, &in_query, &header, json!({"token": "garbage"})).await, "invalid token");
        assert_eq!(refused(app, "&token=garbage", &header, Value::Null).await, "invalid token");
    }

    async fn each_refusal_says_why(app) {
        let [ana, eve] = [app.consumer("ana").await, app.consumer("eve").await];
        assert_eq!(refused(app, "", &[], Value::Null).await, "authentication required");
        assert_eq!(refused(app, "", &[], json!({"token": 5})).await, "authentication required");
        assert_eq!(refused(app, "", &[], json!({"token": "a.b.c"})).await, "invalid token");
        eve.post("/auth/logout", json!({})).await.ok();
        assert_eq!(refused(app, "", &[], json!({"token": eve.token().unwrap()})).await, "invalid token");
        let own = format!("http://{}", app.address);
        let mut socket = SocketIo::open(app.address, "", &[("origin", &own)]).await;
        assert!(socket.knock("/", json!({"token": ana.token().unwrap()})).await.is_ok(), "python's client says our own address");
        let elsewhere = [("origin", "https://elsewhere.example")];
        let message = refused(app, "", &elsewhere, json!({"token": ana.token().unwrap()})).await;
        assert!(message.starts_with("origin not allowed"), "{message}");
        app.clock.advance(Duration::from_secs(3600));
        assert_eq!(refused(app, "", &[], json!({"token": ana.token().unwrap()})).await, "token expired");
    }

    async fn namespaces_are_for_whom_they_are_for(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        let refusal = socket.knock("/kitchen", json!({"token": ana.token().unwrap()})).await.unwrap_err();
        assert_eq!(refusal, json!({"message": "Invalid namespace"}));
        let refusal = socket.knock("/admin", json!({"token": ana.token().unwrap()})).await.unwrap_err();
        assert_eq!(refusal["data"]["code"], "not_yours");
        assert!(socket.knock("/", json!({"token": ana.token().unwrap()})).await.is_ok(), "a refusal ends nothing");
        let mut admin = SocketIo::open(app.address, "", &[]).await;
        admin.knock("/admin", json!({"token": root.token().unwrap()})).await.unwrap();
        admin.knock("/", json!({"token": root.token().unwrap()})).await.unwrap();
        assert_eq!(app.server.hub.connections_of(root.user()), 2, "two sessions behind one connection");
        admin.send("41/admin,").await;
        admin.recv("connection_established").await;
        assert_eq!(admin.emit("ping", json!({})).await["ok"], true, "the other goes on");
        while app.server.hub.connections_of(root.user()) > 1 {
            tokio::task::yield_now().await;
        }
    }

    async fn people_talk(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let room = db_session(app, &ana, &ben).await;
        let session = session_of(&room);
        let mut a = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let mut b = SocketIo::connect(app.address, ben.token().unwrap()).await;
        for socket in [&mut a, &mut b] {
            let joined = socket.emit("join_session", json!({"session_id": session})).await;
            assert_eq!((&joined["ok"], &joined["room"]), (&json!(true), &json!(room)));
            assert_eq!(socket.recv("session_joined").await["session_id"], session);
        }
        assert_eq!(a.recv("presence").await["joined"], ben.id.to_string());
        let message = json!({"session_id": session, "text": "hello", "client_msg_id": "m-1"});
        let ack = a.emit("chat_message", message.clone()).await;
        assert_eq!((&ack["ok"], &ack["seq"], &ack["client_msg_id"]), (&json!(true), &json!(1), &json!("m-1")));
        for socket in [&mut a, &mut b] {
            let received = socket.recv("chat_message").await;
            assert_eq!((&received["text"], &received["session_id"]), (&json!("hello"), &json!(session)));
            assert_eq!((&received["seq"], &received["id"], &received["by"]), (&json!(1), &ack["id"], &json!(ana.id)));
        }
        assert_eq!(a.emit("chat_message", message).await, ack, "the same message, the same answer");
        let unnamed = json!({"session_id": session, "text": "hello"});
        assert_eq!(a.emit("chat_message", unnamed).await["seq"], 2, "one without a name is another");
        assert_eq!(b.emit("typing", json!({"session_id": session})).await["ok"], true);
        assert_eq!(a.recv("typing").await["by"], ben.id.to_string());
        let mut eve = SocketIo::connect(app.address, app.consumer("eve").await.token().unwrap()).await;
        let refusal = eve.emit("join_session", json!({"session_id": session})).await;
        assert_eq!((&refusal["ok"], &refusal["error"]["code"]), (&json!(false), &json!("forbidden")));
        assert_eq!(eve.recv("error").await["code"], "forbidden");
        assert_eq!(b.emit("leave_session", json!({"session_id": session})).await["ok"], true);
        assert_eq!(a.recv("presence").await["left"], ben.id.to_string());
    }

    async fn a_room_is_resumed_in_the_other_dialect(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let room = db_session(app, &ana, &ben).await;
        let session = session_of(&room);
        let mut plain = ana.live().await;
        plain.ack(json!({"type": "join", "room": room})).await;
        for id in ["m-1", "m-2", "m-3"] {
            let message = json!({"type": "chat_message", "room": room, "client_msg_id": id, "text": id});
            plain.ack(message).await;
        }
        plain.close().await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let joined = socket.emit("join_session", json!({"session_id": session, "since": 1})).await;
        let missed: Vec<_> = joined["events"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
        assert_eq!((missed, &joined["recovered"]), (vec![&json!(2), &json!(3)], &json!(true)));
        let ack = socket.emit("chat_message", json!({"session_id": session, "text": "four"})).await;
        assert_eq!(ack["seq"], 4);
        assert_eq!(socket.recv("chat_message").await["seq"], 4, "and nothing came twice");
        let mut plain = ana.live().await;
        let joined = plain.ack(json!({"type": "join", "room": room, "since": 3})).await;
        assert_eq!(joined["events"][0]["seq"], 4);
    }

    async fn events_of_any_room_are_heard(app) {
        let ana = app.consumer("ana").await;
        let root = app.db_admin("root").await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        assert_eq!(socket.emit("room:join", json!({"room": ana.room(), "since": 0})).await["ok"], true);
        db_ring(app, &ana.room(), 1).await;
        let event = socket.recv("event").await;
        assert_eq!((&event["kind"], &event["data"]["times"]), (&json!("bell.rang"), &json!(1)));
        let mut admin = SocketIo::open(app.address, "", &[]).await;
        admin.knock("/admin", json!({"token": root.token().unwrap()})).await.unwrap();
        admin.send(r#"42/admin,7["presence",{"room":"admin"}]"#).await;
        // Connecting to `/admin` joins the admins' room.
        let mut answered = false;
        while !answered {
            let received = admin.next_raw().await;
            answered = received.starts_with("43/admin,7[") && received.contains(&root.id.to_string());
        }
    }

    async fn mistakes_are_explained_and_hostile_packets_are_not(app with ["--free-messages=1000"]) {
        let ana = app.consumer("ana").await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let answer = socket.emit("dance", json!({})).await;
        assert_eq!(answer["error"]["code"], "unknown_type");
        assert_eq!(socket.recv("error").await["message"], "unknown type \"dance\"");
        socket.send(r#"451-99["join_session",{"session_id":{"_placeholder":true,"num":0}}]"#).await;
        socket.send_bytes(&[1, 2, 3]).await;
        assert_eq!(socket.recv("ack 99").await["error"]["message"], "`session_id` must be a string");
        assert_eq!(socket.emit("ping", json!({"__proto__": {"isAdmin": true}})).await["ok"], true);
        for hostile in [
            "4abc",
            "42{}",
            "42[]",
            "42[1]",
            r#"42["disconnect"]"#,
            r#"42/kitchen,["ping"]"#,
            r#"4599-["a"]"#,
            r#"451-["a",{"_placeholder":true,"num":7}]"#,
            "40",
            "2",
            "0{}",
        ] {
            let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
            socket.send(hostile).await;
            assert_eq!(socket.ended().await.1, 1002, "{hostile}");
        }
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        socket.send_bytes(&[0]).await;
        assert_eq!(socket.ended().await.1, 1002, "an attachment of nothing");
    }

    async fn who_stays_outside_is_sent_away(app with ["--handshake-timeout=1s"]) {
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        assert_eq!(socket.ended().await.1, 4001);
        let anyone = app.anyone();
        let address = poller(&anyone).await;
        let told = anyone.get(&address).await;
        assert_eq!((told.status, told.text.as_str()), (200, "1"));
        assert_eq!(anyone.get(&address).await.status, 400);
    }

    async fn strangers_of_an_address_are_limited(app with ["--unauthenticated-per-address=2"]) {
        let anyone = app.anyone();
        let first = poller(&anyone).await;
        let _second = poller(&anyone).await;
        assert_eq!(anyone.get("/socket.io/?EIO=4&transport=polling").await.status, 429);
        let ana = app.consumer("ana").await;
        let connect = format!("40{}", json!({"token": ana.token().unwrap()}));
        assert_eq!(anyone.post_text(&first, &connect).await.text, "ok");
        assert!(anyone.get(&first).await.text.starts_with("40{"), "somebody is known now");
        let _third = poller(&anyone).await;
    }

    async fn a_right_that_ends_ends_the_session(app) {
        let ana = app.consumer("ana").await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        ana.post("/auth/logout", json!({})).await.ok();
        let (received, code) = socket.ended().await;
        assert_eq!(code, 4001);
        let received: Vec<_> = received.iter().map(String::as_str).filter(|received| !received.starts_with("42[\"conn")).collect();
        assert!(received[0].starts_with(r#"42["error",{"code":"token_revoked","message":"invalid token""#), "{received:?}");
        assert_eq!(received[1], "41", "who should not come back by itself is put out of the namespace");
    }

    async fn a_server_that_stops_lets_them_come_back(app) {
        let ana = app.consumer("ana").await;
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        app.stop_gracefully();
        let (received, code) = socket.ended().await;
        assert_eq!(code, 1012);
        assert!(received.iter().any(|received| received.contains("reconnect_in_ms")), "{received:?}");
        assert!(!received.iter().any(|received| received == "41"), "a DISCONNECT would keep it from coming back");
    }
}
