//! The four older systems' own lists of tests, under their names, against their addresses here.
//!
//! The journal, the boards and the simulations were plain WebSockets, the assistant Socket.IO. A cell is the close
//! code or the `connect_error`; what is foreign or missing on Socket.IO is the code of the acknowledgement.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{JWT_SECRET, Person, Socket, SocketIo, TestApp, eventually};

use super::endpoints::{claims, signed};

const EXPECTED: &str = "\
test              | journal | assistant                | boards | simulations
missing token     | 4001    | authentication required  | 1008   | 4001
invalid token     | 4001    | invalid token            | 1008   | 4002
expired token     | 4001    | token expired            | 1008   | 4003
malformed token   | 4001    | invalid token            | 1008   | 4002
blacklisted token | 4001    | invalid token            | 1008   | 4002
missing sub       | 4001    | invalid token            | 1008   | 4002
missing user_id   | 4001    | invalid token            | 1008   | 4002
inactive user     | 4002    | user unknown or inactive | 1008   | 4000
foreign row       | 4003    | forbidden                | 1008   | forbidden
missing row       | 4004    | not_found                | 1008   | not_found
connection info   | kept    | kept                     | kept   | kept
connection limit  | 4008    | too many connections     | 1008   | 4000
";

/// Somebody's rows in the four systems.
struct Rows {
    entry: String,
    conversation: String,
    project: String,
    simulation: String,
}

const NONE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

impl Rows {
    async fn of(ana: &Person) -> Self {
        let base_price = json!({"amount": 100, "currency": "EUR"});
        let new = async |path: &str, body: Value| {
            ana.post(path, body).await.ok()["id"].as_str().unwrap().to_owned()
        };
        Self {
            entry: new("/entries", json!({"text": "A quiet day."})).await,
            conversation: new("/conversations", json!({})).await,
            project: new("/projects", json!({"title": "Kitchen"})).await,
            simulation: new("/simulations", json!({"category": "plumbing", "base_price": base_price})).await,
        }
    }

    fn missing() -> Self {
        let none = || NONE.to_owned();
        Self { entry: none(), conversation: none(), project: none(), simulation: none() }
    }

    fn journal(&self) -> String {
        format!("/ws/reflections/{}", self.entry)
    }

    fn board(&self) -> String {
        format!("/ws/kanban/projects/{}", self.project)
    }
}

type Headers<'a> = &'a [(&'static str, &'a str)];

async fn closed(app: &TestApp, path: &str, headers: Headers<'_>) -> String {
    Socket::connect_with(app.address, path, headers).await.unwrap().closed().await.code.to_string()
}

/// A handshake with these headers in each of the systems.
async fn handshake(app: &TestApp, test: &str, rows: &Rows, headers: Headers<'_>) -> String {
    let journal = closed(app, &rows.journal(), headers).await;
    let refusal = SocketIo::open(app.address, "", headers).await.knock("/", Value::Null).await.unwrap_err();
    let assistant = refusal["message"].as_str().unwrap().split(';').next().unwrap().to_owned();
    let boards = closed(app, &rows.board(), headers).await;
    line(test, [&journal, &assistant, &boards, &closed(app, "/ws/simulate", headers).await])
}

/// Somebody with a good token asks for these rows, which are not theirs or do not exist.
async fn rows(app: &TestApp, test: &str, who: &Person, rows: &Rows) -> String {
    let bearer = format!("Bearer {}", who.token().unwrap());
    let headers: Headers<'_> = &[("authorization", &bearer)];
    let mut assistant = SocketIo::connect(app.address, who.token().unwrap()).await;
    let refused = assistant.emit("join_chat", json!({"conversation_id": rows.conversation})).await;
    let path = format!("/ws/simulate?token={}", who.token().unwrap());
    let mut simulations = Socket::connect(app.address, &path).await;
    let room = format!("simulation:{}", rows.simulation);
    let answer = simulations.request(json!({"type": "join", "room": room})).await;
    let boards = closed(app, &rows.board(), headers).await;
    let (assistant, simulations) = (&refused["error"]["code"], &answer["code"]);
    let journal = closed(app, &rows.journal(), headers).await;
    line(test, [&journal, assistant.as_str().unwrap(), &boards, simulations.as_str().unwrap()])
}

/// What a connection is told of itself.
async fn info(app: &TestApp, ana: &Person, rows: &Rows) -> String {
    let kept = |greeting: &Value| {
        let is_hers = greeting["user_id"] == *ana.id && greeting["user_email"] == *ana.email;
        if is_hers && greeting["role"] == "consumer" { "kept" } else { "lost" }
    };
    let greet = async |path: String| {
        let path = format!("{path}?token={}", ana.token().unwrap());
        let mut socket = Socket::connect(app.address, &path).await;
        kept(&socket.recv("connection_established").await)
    };
    let mut assistant = SocketIo::open(app.address, "", &[]).await;
    assistant.knock("/", json!({"token": ana.token().unwrap()})).await.unwrap();
    let told = assistant.recv("connection_established").await;
    let cells = [
        greet(rows.journal()).await,
        kept(&told),
        greet(rows.board()).await,
        greet("/ws/simulate".into()).await,
    ];
    line("connection info", cells)
}

fn line(test: &str, [journal, assistant, boards, simulations]: [&str; 4]) -> String {
    format!("{test:17} | {journal:7} | {assistant:24} | {boards:6} | {simulations}\n")
}

both_engines! {
    async fn the_older_systems_own_tests(app with ["--free-connections=6"]) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let (mallory, root) = (app.consumer("mallory").await, app.db_admin("root").await);
        let hers = Rows::of(&ana).await;
        let whole = claims(app, &ana);
        let by_hand = |changes: Value| signed(whole.clone(), changes, JWT_SECRET);
        let past = app.clock.now().as_seconds() - 100;
        let gone = app.log_in("ana").await;
        gone.post("/auth/logout", json!({})).await.ok();
        app.db_suspend(&root, &eve).await;
        let bearer = |person: &Person| format!("Bearer {}", person.token().unwrap());

        let mut seen = EXPECTED.lines().next().unwrap().to_owned() + "\n";
        seen += &handshake(app, "missing token", &hers, &[]).await;
        for (test, token) in [
            ("invalid token", signed(whole.clone(), json!({}), "another secret of at least 32 bytes")),
            ("expired token", by_hand(json!({"iat": past, "exp": past + 50}))),
            ("malformed token", "Bearer a.b.c".to_owned()),
            ("blacklisted token", bearer(&gone)),
            ("missing sub", by_hand(json!({"sub": null}))),
            ("missing user_id", by_hand(json!({"user_id": null}))),
            ("inactive user", bearer(&eve)),
        ] {
            seen += &handshake(app, test, &hers, &[("authorization", &token)]).await;
        }
        seen += &rows(app, "foreign row", &mallory, &hers).await;
        seen += &rows(app, "missing row", &mallory, &Rows::missing()).await;
        seen += &info(app, &app.log_in("ana").await, &hers).await;
        let anas = bearer(&ana);
        eventually(async || app.server.hub.snapshot().await.unwrap().connections == 0).await;
        let mut full = Vec::new();
        for _ in 0..6 {
            full.push(ana.live().await);
        }
        seen += &handshake(app, "connection limit", &hers, &[("authorization", &anas)]).await;
        assert_eq!(seen, EXPECTED, "\n{seen}");
    }
}
