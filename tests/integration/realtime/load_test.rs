//! Load tests: synthetic users, isolated from real ones.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Socket, SocketIo, TestApp, eventually};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn synthetic(app: &TestApp) -> (Socket, Value) {
    let shown = [("x-load-test-secret", SECRET)];
    let mut socket = Socket::connect_with(app.address, "/ws", &shown).await.unwrap();
    let greeting = socket.recv("connection_established").await;
    (socket, greeting)
}

async fn refused(app: &TestApp, headers: &[(&'static str, &str)]) -> u16 {
    Socket::connect_with(app.address, "/ws", headers).await.unwrap().closed().await.code
}

/// Runs the command; returns its exit status and report.
async fn souk_load(app: &TestApp, secret: &str, flags: &[&str]) -> (i32, Value) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_souk"));
    command.args(["load", "--json", "--url", &format!("ws://{}", app.address), "--load-test-secret", secret]);
    let output = command.args(flags).kill_on_drop(true).output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), report)
}

both_engines! {
    async fn synthetic_users_meet_in_rooms_of_their_own(
        app with ["--load-test-secret=0123456789abcdef0123456789abcdef"]
    ) {
        let ((mut one, greeting), (mut two, _)) = (synthetic(app).await, synthetic(app).await);
        assert_eq!(greeting["user_email"], "loadtest:1");
        for socket in [&mut one, &mut two] {
            socket.ack(json!({"type": "join", "room": "loadtest:a"})).await;
        }
        one.send(json!({"type": "typing", "room": "loadtest:a"})).await;
        assert_eq!(two.recv("typing").await["by"], greeting["user_id"]);
        let mut third = SocketIo::open(app.address, "", &[]).await;
        third.knock("/", json!({"load_test_secret": SECRET})).await.unwrap();
        assert_eq!(third.recv("connection_established").await["email"], "loadtest:3");
        third.emit("room:join", json!({"room": "loadtest:a"})).await;
        let present = one.ack(json!({"type": "presence", "room": "loadtest:a"})).await;
        assert_eq!(present["members"].as_array().unwrap().len(), 3);
    }

    async fn nothing_else_lets_a_synthetic_user_in(
        app with ["--load-test-secret=0123456789abcdef0123456789abcdef"]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let booking = app.booking(&ana, &ben).await;
        let room = |kind: &str, id: &Value| format!("{kind}:{}", id.as_str().unwrap());
        let (mut socket, greeting) = synthetic(app).await;
        let own = format!("user:{}", greeting["user_id"].as_str().unwrap());
        let anas = format!("user:{}", ana.id);
        let session = room("session", &booking["session_id"]);
        let project = room("project", &booking["project_id"]);
        let rooms = [session, project, room("booking", &booking["id"]), own, anas];
        for room in rooms.iter().map(String::as_str).chain(["market:plumbing", "admin"]) {
            for kind in ["join", "history", "read"] {
                let error = socket.request(json!({"type": kind, "room": room, "seq": 1})).await;
                assert_eq!(error["code"], "forbidden", "{kind} {room}");
            }
        }
        let message = json!({"type": "chat_message", "room": rooms[0], "text": "hello", "client_msg_id": "1"});
        assert_eq!(socket.request(message).await["code"], "forbidden");
        let token = json!({"type": "refresh", "token": ana.token().unwrap()});
        assert_eq!(socket.request(token).await["code"], "invalid_token", "nobody becomes somebody else");
        let board = format!("/ws/kanban/projects/{}", booking["project_id"].as_str().unwrap());
        let shown = [("x-load-test-secret", SECRET)];
        let mut board = Socket::connect_with(app.address, &board, &shown).await.unwrap();
        assert_eq!(board.closed().await.code, 1008);
        app.anyone().get("/auth/me").header("x-load-test-secret", SECRET).await.refused(401);
    }

    async fn real_users_stay_out_of_load_tests(
        app with ["--load-test-secret=0123456789abcdef0123456789abcdef"]
    ) {
        let mut ana = app.consumer("ana").await.live().await;
        assert_eq!(ana.request(json!({"type": "join", "room": "loadtest:a"})).await["code"], "forbidden");
    }

    async fn another_secret_is_none(app with ["--load-test-secret=0123456789abcdef0123456789abcdef"]) {
        let ana = app.consumer("ana").await;
        let bearer = format!("Bearer {}", ana.token().unwrap());
        let wrong = SECRET.replace('f', "e");
        assert_eq!(refused(app, &[("x-load-test-secret", &wrong)]).await, 4001);
        assert_eq!(refused(app, &[("x-load-test-secret", &wrong), ("authorization", &bearer)]).await, 4001);
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        let error = socket.knock("/", json!({"load_test_secret": wrong})).await.unwrap_err();
        assert_eq!(error["message"], "invalid token");
    }

    async fn without_a_secret_there_are_no_load_tests(app) {
        let ana = app.consumer("ana").await;
        let bearer = format!("Bearer {}", ana.token().unwrap());
        assert_eq!(refused(app, &[("x-load-test-secret", SECRET)]).await, 4001);
        let shown = [("x-load-test-secret", SECRET), ("authorization", bearer.as_str())];
        let mut socket = Socket::connect_with(app.address, "/ws", &shown).await.unwrap();
        assert_eq!(socket.recv("connection_established").await["user_id"], ana.id, "the token counts");
    }

    async fn souk_load_opens_sessions_and_says_how_quickly_they_are_served(
        app with ["--load-test-secret=0123456789abcdef0123456789abcdef"]
    ) {
        let load = ["--sessions=40", "--room-size=5", "--for=1s", "--every=100ms"];
        let (status, report) = souk_load(app, SECRET, &load).await;
        assert_eq!((status, &report["sessions"], &report["failed"]), (0, &json!(40), &json!({})), "{report}");
        assert_eq!((&report["connect"]["count"], &report["join"]["count"]), (&json!(40), &json!(40)));
        for measured in ["round_trip", "delivery"] {
            assert!(report[measured]["count"].as_u64().unwrap() >= 40, "{report}");
            assert!(report[measured]["p99_ms"].as_f64() <= report[measured]["max_ms"].as_f64(), "{report}");
        }
        assert!(report["connects_per_second"].as_f64().unwrap() > 0.0);
        eventually(async || app.server.hub.snapshot().await.unwrap().connections == 0).await;
        let (status, report) = souk_load(app, &SECRET.replace('f', "e"), &["--sessions=2"]).await;
        assert_eq!((status, &report["sessions"]), (1, &json!(0)));
        let why = report["failed"].as_object().unwrap().keys().next().unwrap().clone();
        assert!(why.starts_with("closed with 4001"), "{report}");
    }
}
