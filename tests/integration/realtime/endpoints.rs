//! Each endpoint's close code or message for each reason, as a client sees it.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{JWT_SECRET, Person, Socket, SocketIo, TestApp, eventually};

use super::fixtures::db_ring;

/// The expected results, endpoint by endpoint. Socket.IO has messages instead of codes.
const SEEN: &str = "\
reason            | /ws  | reflections | kanban | simulate | /socket.io/
no token          | 4001 | 4001        | 1008   | 4001     | authentication required
malformed         | 4001 | 4001        | 1008   | 4002     | invalid token
bad signature     | 4001 | 4001        | 1008   | 4002     | invalid token
wrong issuer      | 4001 | 4001        | 1008   | 4002     | invalid token
wrong audience    | 4001 | 4001        | 1008   | 4002     | invalid token
revoked           | 4001 | 4001        | 1008   | 4002     | invalid token
expired           | 4001 | 4001        | 1008   | 4003     | token expired
no user_id        | 4001 | 4001        | 1008   | 4002     | invalid token
no sub            | 4001 | 4001        | 1008   | 4002     | invalid token
user unknown      | 4002 | 4002        | 1008   | 4000     | user unknown or inactive
user suspended    | 4002 | 4002        | 1008   | 4000     | user unknown or inactive
other origin      | 4003 | 4003        | 1008   | 4000     | origin not allowed
connection limit  | 4008 | 4008        | 1008   | 4000     | too many connections
";

/// Paths of one user's resources.
struct Place {
    entry: String,
    project: String,
}

const ENDPOINTS: [&str; 4] = ["/ws", "reflections", "kanban", "simulate"];

impl Place {
    async fn of(ana: &Person, ben: &Person, app: &TestApp) -> Self {
        let entry = ana.post("/entries", json!({"text": "A quiet day."})).await.ok();
        let text = |id: &Value| id.as_str().unwrap().to_owned();
        let project = app.booking(ana, ben).await["project_id"].clone();
        Self { entry: text(&entry["id"]), project: text(&project) }
    }

    fn path(&self, endpoint: &str) -> String {
        match endpoint {
            "reflections" => format!("/ws/reflections/{}", self.entry),
            "kanban" => format!("/ws/kanban/projects/{}", self.project),
            "simulate" => "/ws/simulate".to_owned(),
            other => other.to_owned(),
        }
    }
}

type Headers<'a> = &'a [(&'static str, &'a str)];

/// The close code of a handshake with these headers.
async fn closed(app: &TestApp, path: &str, headers: Headers<'_>) -> u16 {
    let mut socket = Socket::connect_with(app.address, path, headers).await.unwrap();
    let closed = socket.closed().await;
    assert!(closed.reason.len() <= 123 && !closed.reason.is_empty(), "{closed:?}");
    assert!(closed.reason.contains("reconnect") || closed.reason == "Invalid token payload", "{closed:?}");
    closed.code
}

/// The `connect_error` that a Socket.IO client with these headers gets: its message, and whether to retry.
async fn turned_away(app: &TestApp, headers: Headers<'_>) -> String {
    let mut socket = SocketIo::open(app.address, "", headers).await;
    let refusal = socket.knock("/", Value::Null).await.unwrap_err();
    refusal["message"].as_str().unwrap().split(';').next().unwrap().to_owned()
}

/// One line of the table.
async fn line(app: &TestApp, place: &Place, reason: &str, headers: Headers<'_>) -> String {
    let mut codes = Vec::new();
    for endpoint in ENDPOINTS {
        codes.push(closed(app, &place.path(endpoint), headers).await);
    }
    let [ws, reflections, kanban, simulate] = codes.try_into().unwrap();
    let told = turned_away(app, headers).await;
    format!("{reason:17} | {ws} | {reflections:<11} | {kanban:<6} | {simulate:<8} | {told}\n")
}

/// The claims of a good token of this person.
pub(super) fn claims(app: &TestApp, person: &Person) -> Value {
    let now = app.clock.now().as_seconds();
    json!({"sub": person.id, "user_id": person.id, "email": person.email, "role": "consumer", "plan": "free",
        "jti": "by-hand", "sid": "01890a5d-ac96-774b-bcce-b302099a8057", "iat": now, "exp": now + 60,
        "iss": "souk", "aud": "souk"})
}

/// A token with these claims changed; null removes one.
pub(super) fn signed(mut claims: Value, changes: Value, secret: &str) -> String {
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let key = EncodingKey::from_secret(secret.as_bytes());
    format!("Bearer {}", jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap())
}

/// Makes every authentication fail with an internal error.
async fn db_mislay_revocations(app: &TestApp) {
    let mislaid = app.server.db.write(|uow| {
        use diesel::connection::SimpleConnection as _;
        uow.conn().batch_execute("ALTER TABLE revocations RENAME TO mislaid")?;
        Ok::<_, souk::db::DbError>(())
    });
    mislaid.await.unwrap();
}

fn metrics(app: &TestApp) -> String {
    String::from_utf8(app.server.metrics.render().unwrap()).unwrap()
}

both_engines! {
    async fn each_endpoint_spells_each_refusal_in_its_own_way(
        app with ["--allowed-origins=https://app.example", "--free-connections=2"]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (eve, root) = (app.consumer("eve").await, app.db_admin("root").await);
        let place = Place::of(&ana, &ben, app).await;
        let bearer = |person: &Person| format!("Bearer {}", person.token().unwrap());
        let whole = claims(app, &ana);
        let by_hand = |changes: Value| signed(whole.clone(), changes, JWT_SECRET);
        let gone = app.log_in("ana").await;
        gone.post("/auth/logout", json!({})).await.ok();
        app.db_suspend(&root, &eve).await;
        let past = app.clock.now().as_seconds() - 100;
        let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
        let tokens = [
            ("malformed", "Bearer a.b.c".to_owned()),
            ("bad signature", signed(whole.clone(), json!({}), "another secret of at least 32 bytes")),
            ("wrong issuer", by_hand(json!({"iss": "others"}))),
            ("wrong audience", by_hand(json!({"aud": "others"}))),
            ("revoked", bearer(&gone)),
            ("expired", by_hand(json!({"iat": past, "exp": past + 50}))),
            ("no user_id", by_hand(json!({"user_id": null}))),
            ("no sub", by_hand(json!({"sub": null}))),
            ("user unknown", by_hand(json!({"sub": nobody, "user_id": nobody}))),
            ("user suspended", bearer(&eve)),
        ];
        let mut seen = SEEN.lines().next().unwrap().to_owned() + "\n";
        seen += &line(app, &place, "no token", &[]).await;
        for (reason, token) in &tokens {
            seen += &line(app, &place, reason, &[("authorization", token)]).await;
        }
        let anas = bearer(&ana);
        let elsewhere = [("authorization", anas.as_str()), ("origin", "https://evil.example")];
        seen += &line(app, &place, "other origin", &elsewhere).await;
        let _full = (ana.live().await, ana.live().await);
        seen += &line(app, &place, "connection limit", &[("authorization", &anas)]).await;
        assert_eq!(seen, SEEN, "\n{seen}");
        eventually(async || app.server.hub.snapshot().await.unwrap().connections == 2).await; // nobody else stays
        assert!(metrics(app).contains(r#"souk_plan_limits_total{limit="connections",plan="free"} 5"#));
    }

    async fn no_endpoint_opens_for_whom_it_is_not(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (eve, root) = (app.consumer("eve").await, app.db_admin("root").await);
        let place = Place::of(&ana, &ben, app).await;
        let ended = async |who: &Person, path: String| {
            let bearer = format!("Bearer {}", who.token().unwrap());
            closed(app, &path, &[("authorization", &bearer)]).await
        };
        assert_eq!(ended(&ben, place.path("reflections")).await, 4003);
        assert_eq!(ended(&root, place.path("reflections")).await, 4003, "journals are private, also from admins");
        assert_eq!(ended(&eve, place.path("kanban")).await, 1008);
        let none = "01890a5d-ac96-774b-bcce-b302099a8057";
        for id in [none, "7", "%20"] {
            assert_eq!(ended(&ana, format!("/ws/reflections/{id}")).await, 4004, "{id}");
            assert_eq!(ended(&ana, format!("/ws/kanban/projects/{id}")).await, 1008, "{id}");
        }
        assert_eq!(closed(app, &format!("/ws/reflections/{none}"), &[]).await, 4001, "strangers learn nothing");
        // The close frame reaches a client before the hub hears of the end.
        eventually(async || app.server.hub.snapshot().await.unwrap().connections == 0).await;
        let theirs = [(&ana, place.path("reflections")), (&ben, place.path("kanban")), (&root, place.path("kanban"))];
        for (who, path) in theirs.into_iter().chain([(&eve, place.path("simulate"))]) {
            let path = format!("/api/v1{path}?token={}", who.token().unwrap());
            Socket::connect(app.address, &path).await.recv("connection_established").await;
        }
    }

    async fn each_endpoint_spells_each_end_in_its_own_way(
        app with ["--free-messages=3", "--access-ttl=20m", "--free-connections=100"]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let place = Place::of(&ana, &ben, app).await;
        let anas = async |person: &Person, endpoint: &str| {
            let path = format!("{}?token={}", place.path(endpoint), person.token().unwrap());
            let mut socket = Socket::connect(app.address, &path).await;
            socket.recv("connection_established").await;
            socket
        };
        for (endpoint, limited) in ENDPOINTS.into_iter().zip([4008, 4008, 1008, 4000]) {
            let mut socket = anas(&ana, endpoint).await;
            for _ in 0..40 {
                socket.send(json!({"type": "ping"})).await;
            }
            assert_eq!(socket.closed().await.code, limited, "too fast on {endpoint}");
            let mut socket = anas(&ana, endpoint).await;
            socket.send_text(&"x".repeat(65 * 1024)).await;
            assert_eq!(socket.closed().await.code, 1009, "too big on {endpoint}");
        }
        let revoked = [4001, 4001, 1008, 4002];
        for (endpoint, code) in ENDPOINTS.into_iter().zip(revoked) {
            let again = app.log_in("ana").await;
            let mut socket = anas(&again, endpoint).await;
            again.post("/auth/logout", json!({})).await.ok();
            assert_eq!(socket.recv("disconnecting").await["reason"], "token_revoked");
            assert_eq!(socket.closed().await.code, code, "revoked on {endpoint}");
        }
        let mut sockets = Vec::new();
        for (endpoint, code) in ENDPOINTS.into_iter().zip([4001, 4001, 1008, 4003]) {
            sockets.push((endpoint, anas(&ana, endpoint).await, code));
        }
        app.clock.advance(Duration::from_secs(21 * 60));
        for (endpoint, socket, code) in &mut sockets {
            socket.send(json!({"type": "ping"})).await;
            assert_eq!(socket.recv("disconnecting").await["reason"], "token_expired");
            assert_eq!(socket.closed().await.code, *code, "expired on {endpoint}");
        }
        let (root, again) = (app.db_admin("root").await, app.log_in("ana").await);
        let mut sockets = Vec::new();
        for (endpoint, code) in ENDPOINTS.into_iter().zip([4002, 4002, 1008, 4000]) {
            sockets.push((endpoint, anas(&again, endpoint).await, code));
        }
        app.db_suspend(&root, &again).await;
        for (endpoint, socket, code) in &mut sockets {
            assert_eq!(socket.closed().await.code, *code, "suspended on {endpoint}");
        }
    }

    async fn every_endpoint_says_that_the_server_restarts(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let place = Place::of(&ana, &ben, app).await;
        let mut sockets = Vec::new();
        for endpoint in ENDPOINTS {
            let path = format!("{}?token={}", place.path(endpoint), ana.token().unwrap());
            sockets.push(Socket::connect(app.address, &path).await);
        }
        app.stop_gracefully();
        for socket in &mut sockets {
            assert!(socket.recv("disconnecting").await["reconnect_in_ms"].is_number());
            assert_eq!(socket.closed().await.code, 1012);
        }
    }

    // A known token would need no revocations.
    async fn every_endpoint_says_when_it_is_our_fault(app with ["--token-cache=0"]) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let place = Place::of(&ana, &ben, app).await;
        db_mislay_revocations(app).await;
        for endpoint in ENDPOINTS {
            let path = format!("{}?token={}", place.path(endpoint), ana.token().unwrap());
            assert_eq!(closed(app, &path, &[]).await, 1011, "{endpoint}");
        }
    }

    async fn every_endpoint_cuts_off_who_does_not_read(
        app with ["--outbox-soft=32KiB", "--outbox-hard=64KiB", "--socket-send-buffer=16KiB", "--eviction-grace=20s"]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let place = Place::of(&ana, &ben, app).await;
        for (nth, (endpoint, code)) in ENDPOINTS.into_iter().zip([4009, 4009, 1008, 4000]).enumerate() {
            let path = format!("{}?token={}", place.path(endpoint), ana.token().unwrap());
            let mut socket = Socket::connect(app.address, &path).await;
            socket.shrink_receive_buffer();
            let room = format!("user:{}", ana.id);
            socket.ack(json!({"type": "join", "room": room})).await;
            let evictions = format!("souk_hub_evictions_total{{reason=\"slow_consumer\"}} {}\n", nth + 1);
            let mut rung = 0;
            while !metrics(app).contains(&evictions) {
                rung += 1;
                assert!(rung < 100_000, "{endpoint}: it is still there");
                db_ring(app, &room, rung).await;
            }
            assert_eq!(socket.closed().await.code, code, "not reading on {endpoint}");
            drop(socket);
            eventually(async || app.server.hub.snapshot().await.unwrap().connections == 0).await;
        }
    }

    async fn socket_io_says_each_end_in_words(
        app with [
            "--free-messages=3", "--access-ttl=20m", "--outbox-soft=32KiB", "--outbox-hard=64KiB",
            "--socket-send-buffer=16KiB", "--eviction-grace=20s", "--token-cache=0",
        ]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let connect = async || SocketIo::connect(app.address, ana.token().unwrap()).await;
        let ping = r#"42["ping",{}]"#;
        let mut socket = connect().await;
        for (room, code) in [(ben.room(), "forbidden"), ("entry:01890a5d-ac96-774b-bcce-b302099a8057".into(), "not_found")] {
            let answer = socket.emit("room:join", json!({"room": room})).await;
            assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!(code)));
        }
        for _ in 0..40 {
            socket.send(ping).await;
        }
        let (received, code) = socket.ended().await;
        assert!(received.iter().any(|packet| packet.contains("rate_limited")), "{received:?}");
        assert_eq!(code, 4008, "too fast");
        let mut socket = connect().await;
        socket.send(&format!(r#"42["{}"]"#, "x".repeat(65 * 1024))).await;
        assert_eq!(socket.ended().await.1, 1009, "too big");
        let mut socket = connect().await;
        socket.shrink_receive_buffer();
        let mut rung = 0;
        while !metrics(app).contains("souk_hub_evictions_total{reason=\"slow_consumer\"} 1\n") {
            rung += 1;
            assert!(rung < 100_000, "it is still there");
            db_ring(app, &ana.room(), rung).await;
        }
        assert_eq!(socket.ended().await.1, 4009, "not reading");
        drop(socket);
        let mut socket = connect().await;
        app.clock.advance(Duration::from_secs(21 * 60));
        socket.send(ping).await;
        let (received, code) = socket.ended().await;
        let [.., told, disconnect] = &received[..] else { panic!("{received:?}") };
        assert!(told.contains("token expired"), "{told}");
        assert_eq!((disconnect.as_str(), code), ("41", 4001), "expired");
        let again = app.log_in("ana").await;
        db_mislay_revocations(app).await;
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        socket.send(&format!("40{}", json!({"token": again.token().unwrap()}))).await;
        assert_eq!(socket.ended().await.1, 1011, "our fault");
    }
}
