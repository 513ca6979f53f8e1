//! Settings that affect live sessions.

use serde_json::{Value, json};
use souk::domain::users::{Plan, service};

use crate::both_engines;
use crate::support::{Person, Raw, Socket, SocketIo, TestApp, eventually, masked};

/// Opens a raw connection and reads the greeting.
async fn raw(app: &TestApp, person: &Person) -> Raw {
    let mut raw = Raw::open(app.address, &person.live_path()).await;
    raw.next().await.expect("a greeting");
    raw
}

/// The close code of a connection that sent these frames.
async fn closed_for(app: &TestApp, frames: &[Vec<u8>]) -> u16 {
    let name = format!("u{}", uuid::Uuid::new_v4().simple());
    let mut raw = raw(app, &app.consumer(&name).await).await;
    for frame in frames {
        raw.send(frame).await;
    }
    loop {
        let (first, payload) = raw.next().await.expect("a close frame");
        if first == 0x88 {
            return u16::from_be_bytes(payload[..2].try_into().unwrap());
        }
    }
}

const TEXT: u8 = 0x01;
const CONTINUED: u8 = 0x00;
const LAST: u8 = 0x80;

/// `{"type":"ping"}`, which is answered, padded to this length with spaces.
fn ping(length: usize) -> Vec<u8> {
    format!("{:<length$}", json!({"type": "ping"}).to_string()).into_bytes()
}

both_engines! {
    async fn a_frame_has_its_cap(app with ["--frame-max=1KiB"]) {
        let ana = app.consumer("ana").await;
        let mut fits = raw(app, &ana).await;
        fits.send(&masked(LAST | TEXT, &ping(1024))).await;
        assert!(String::from_utf8(fits.next().await.unwrap().1).unwrap().contains("pong"));
        assert_eq!(closed_for(app, &[masked(LAST | TEXT, &ping(1025))]).await, 1009);
    }

    async fn a_message_has_its_caps(app with ["--frame-max=1KiB", "--message-max=1KiB", "--fragments-max=2"]) {
        let ana = app.consumer("ana").await;
        let part = |bits: u8, length: usize| masked(bits, &vec![b' '; length]);
        let mut fits = raw(app, &ana).await;
        for frame in [part(TEXT, 500), masked(LAST | CONTINUED, &ping(500))] {
            fits.send(&frame).await;
        }
        assert!(String::from_utf8(fits.next().await.unwrap().1).unwrap().contains("pong"));
        assert_eq!(closed_for(app, &[part(TEXT, 1000), part(LAST | CONTINUED, 100)]).await, 1009);
        let three = [part(TEXT, 1), part(CONTINUED, 1), part(LAST | CONTINUED, 1)];
        let code = closed_for(app, &three).await;
        assert!((1002..1010).contains(&code), "{code}");
    }

    async fn so_many_mistakes_close_a_session(app with ["--malformed-per-minute=2"]) {
        let mut ana = app.consumer("ana").await.live().await;
        ana.send_text("{").await;
        ana.recv("error").await;
        ana.send_text("{").await;
        assert_ne!(ana.closed().await.code, 1006);
    }

    async fn an_address_has_so_many_sessions(app with ["--connections-per-address=1"]) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let first = ana.live().await;
        let mut second = Socket::connect(app.address, &ben.live_path()).await;
        assert_eq!(second.closed().await.code, 4008);
        first.close().await;
        eventually(async || app.server.hub.connections_of(ana.user()) == 0).await;
        ben.live().await;
    }

    async fn polling_clients_are_told_the_caps_and_held_to_them(
        app with [
            "--heartbeat-interval=7s", "--ping-timeout=9s", "--payload-max=1KiB", "--packets-max=2",
        ]
    ) {
        let anyone = app.anyone();
        let open = async || {
            let opened = anyone.get("/socket.io/?EIO=4&transport=polling").await;
            serde_json::from_str::<Value>(opened.text.strip_prefix('0').unwrap()).unwrap()
        };
        let told = open().await;
        let caps = (&told["pingInterval"], &told["pingTimeout"], &told["maxPayload"]);
        assert_eq!(caps, (&json!(7000), &json!(9000), &json!(1024)));
        let post = async |body: String| {
            let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", open().await["sid"].as_str().unwrap());
            anyone.post_text(&path, &body).await.status
        };
        assert_eq!(post("3\u{1e}3".into()).await, 200);
        assert_ne!(post("3\u{1e}3\u{1e}3".into()).await, 200);
        assert_ne!(post(format!("4{}", "x".repeat(1024))).await, 200);
    }

    async fn a_packet_has_so_many_attachments(app with ["--attachments-max=1"]) {
        let ana = app.consumer("ana").await;
        let mut fits = SocketIo::connect(app.address, ana.token().unwrap()).await;
        fits.send(r#"451-["chat_message",{"_placeholder":true,"num":0}]"#).await;
        fits.send_bytes(b"x").await;
        fits.emit("presence", json!({"room": ana.room()})).await;
        let mut too_many = SocketIo::connect(app.address, ana.token().unwrap()).await;
        too_many.send(r#"452-["chat_message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#).await;
        too_many.ended().await;
    }

    async fn a_client_that_is_silent_for_too_long_is_gone(
        app with ["--heartbeat-interval=500ms", "--heartbeat-timeout=1s"]
    ) {
        let ana = app.consumer("ana").await;
        let silent = raw(app, &ana).await;
        assert_eq!(app.server.hub.connections_of(ana.user()), 1);
        eventually(async || app.server.hub.connections_of(ana.user()) == 0).await;
        drop(silent);
    }

    async fn a_page_of_history_has_its_cap(app with ["--history-max=2"]) {
        let ana = app.consumer("ana").await;
        let ben = app.provider("ben").await;
        let room = format!("session:{}", app.booking(&ana, &ben).await["session_id"].as_str().unwrap());
        let mut live = ana.live().await;
        for number in 0..3 {
            let message = json!({"type": "chat_message", "room": room, "text": "x", "client_msg_id": number.to_string()});
            live.ack(message).await;
        }
        let page = live.ack(json!({"type": "history", "room": room, "limit": 100})).await;
        assert_eq!((page["events"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    }

    async fn clients_come_back_within_the_jitter(app with ["--reconnect-jitter=1ms"]) {
        let mut ana = app.consumer("ana").await.live().await;
        app.stop_gracefully();
        let wait = ana.recv("disconnecting").await["reconnect_in_ms"].as_u64().unwrap();
        assert!(wait <= 1, "{wait}");
    }

    async fn each_plan_has_its_own_limits(
        app with [
            "--free-connections=1", "--free-messages=11", "--free-rooms=1", "--free-requests=1001",
            "--free-simulations-per-day=11", "--pro-simulations-per-day=12", "--enterprise-simulations-per-day=13",
            "--free-simulation-runs=101", "--pro-simulation-runs=102", "--enterprise-simulation-runs=103",
            "--free-simulation-steps=11", "--pro-simulation-steps=12", "--enterprise-simulation-steps=13",
            "--simulation-threads=0", "--free-simulations=1", "--free-generations=1", "--pro-generations=2", "--enterprise-generations=3",
            "--pro-connections=2", "--pro-messages=12", "--pro-rooms=2", "--pro-requests=1002", "--pro-simulations=2",
            "--enterprise-connections=3", "--enterprise-messages=13", "--enterprise-rooms=3",
            "--enterprise-requests=1003", "--enterprise-simulations=3",
        ]
    ) {
        let admin = app.db_admin("root").await;
        for (number, plan) in [(1_u64, Plan::Free), (2, Plan::Pro), (3, Plan::Enterprise)] {
            let ben = app.provider(&format!("ben{number}")).await;
            let (scope, user) = (app.db_scope(&admin).await, ben.user());
            let change = app.server.db.write(move |uow| service::change_plan(uow, &scope, user, plan, None));
            change.await.unwrap();

            let mut sessions = Vec::new();
            for _ in 0..number {
                let mut session = Socket::connect(app.address, &ben.live_path()).await;
                let limits = session.recv("connection_established").await["limits"].clone();
                assert_eq!(limits["messages_per_second"], 10 + number, "{plan} messages: {limits}");
                assert_eq!(limits["simulations_per_day"], 10 + number, "{plan} simulations: {limits}");
                assert_eq!(limits["generations"], number, "{plan} generations: {limits}");
                sessions.push(session);
            }
            let mut one_more = Socket::connect(app.address, &ben.live_path()).await;
            assert_eq!(one_more.closed().await.code, 4008, "{plan} connections");

            // The user's own room counts as one of them.
            let session = &mut sessions[0];
            session.recv_pong().await;
            for room in 1..number {
                session.ack(json!({"type": "join", "room": format!("market:m{room}")})).await;
            }
            let refused = session.request(json!({"type": "join", "room": "market:more"})).await;
            assert_eq!(refused["code"], "too_many_rooms", "{plan} rooms: {refused}");

            let limit = ben.get("/auth/me").await.header("ratelimit-limit").unwrap().to_owned();
            assert_eq!(limit, (1000 + number).to_string(), "{plan} requests");

            let scenario = json!({
                "category": "plumbing", "base_price": {"amount": 5_000, "currency": "EUR"}, "steps": 10,
            });
            for (field, most) in [("runs", 100 + number), ("steps", 10 + number)] {
                let mut large = scenario.clone();
                large[field] = json!(most + 1);
                let problem = ben.post("/simulations", large).await.refused(422);
                let message = problem["errors"][0]["message"].as_str().unwrap();
                assert_eq!(message, format!("must be at most {most} on your plan"), "{plan} {field}");
            }
            for _ in 0..number {
                ben.post("/simulations", scenario.clone()).await.ok();
            }
            assert!(ben.post("/simulations", scenario).await.status >= 400, "{plan} simulations");
        }
    }
}
