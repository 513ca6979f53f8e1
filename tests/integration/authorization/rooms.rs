//! Every kind of room for every kind of caller, by real joins in both dialects. The golden file is
//! `rooms.txt`, reviewed like `matrix.txt`: `UPDATE_MATRIX=1 cargo test authorization` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use souk::ids::Room;

use super::world::{People, Stage, World};
use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An id of no row.
const NOTHING: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The columns. `owner` is ana, who owns the rows; ben is the other party to her booking, and a viewer of her
/// project.
const CALLERS: [&str; 12] = [
    "owner",
    "other party",
    "viewer",
    "editor",
    "consumer",
    "provider",
    "admin",
    "load test",
    "suspended",
    "expired",
    "revoked",
    "anonymous",
];

/// A caller's credentials for either dialect.
enum Key {
    Token(String),
    LoadTest,
    None,
}

/// A live session in one of the dialects.
enum Live {
    Json(Box<Socket>),
    SocketIo(Box<SocketIo>),
}

impl Live {
    /// Connects by plain WebSocket; `None` if the caller is refused.
    async fn json(app: &TestApp, key: &Key) -> Option<Self> {
        let (path, headers) = match key {
            Key::Token(token) => (format!("/ws?token={token}"), vec![]),
            Key::LoadTest => ("/ws".to_owned(), vec![("x-load-test-secret", SECRET)]),
            Key::None => ("/ws".to_owned(), vec![]),
        };
        let mut socket = Socket::connect_with(app.address, &path, &headers).await.unwrap();
        socket.try_recv("connection_established").await.ok()?;
        Some(Self::Json(Box::new(socket)))
    }

    /// Connects by Socket.IO; `None` if the caller is refused.
    async fn socket_io(app: &TestApp, key: &Key) -> Option<Self> {
        let mut socket = SocketIo::open(app.address, "", &[]).await;
        let auth = match key {
            Key::Token(token) => json!({"token": token}),
            Key::LoadTest => json!({"load_test_secret": SECRET}),
            Key::None => Value::Null,
        };
        socket.knock("/", auth).await.ok()?;
        socket.recv("connection_established").await;
        Some(Self::SocketIo(Box::new(socket)))
    }

    /// `joined`, or the code of the error.
    async fn join(&mut self, room: &str) -> String {
        let (joined, code) = match self {
            Self::Json(socket) => {
                let answer = socket.request(json!({"type": "join", "room": room})).await;
                (answer["type"] == "ack", answer["code"].clone())
            }
            Self::SocketIo(socket) => {
                let answer = socket.emit("room:join", json!({"room": room})).await;
                (answer["ok"] == true, answer["error"]["code"].clone())
            }
        };
        if joined { "joined".to_owned() } else { code.as_str().unwrap().to_owned() }
    }
}

/// The kinds of rooms, read from the source.
fn kinds() -> BTreeSet<String> {
    let source = include_str!("../../../src/ids/room.rs");
    let body = source.split("pub enum Room {").nth(1).unwrap().split("\n}").next().unwrap();
    let variants = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    variants.map(|line| line.split(['(', ',', ' ']).next().unwrap().to_owned()).collect()
}

/// The rows: name in the file, and the room to join.
fn rows(booked: &World, private: &World, planned: &World, ana: &Person) -> Vec<(String, String)> {
    let of_ids = [
        ("session", &booked.session),
        ("booking", &booked.booking),
        ("project", &planned.made["projects"]),
        ("user", &ana.id),
        ("conversation", &private.made["conversations"]),
        ("entry", &private.made["entries"]),
        ("simulation", &private.made["simulations"]),
    ];
    let mut rows = Vec::new();
    for (kind, id) in of_ids {
        for (what, id) in [("{id}", id.as_str()), ("{missing}", NOTHING), ("7", "7"), ("", "")] {
            rows.push((format!("{kind}:{what}"), format!("{kind}:{id}")));
        }
        // Another spelling of an id must not name the same room.
        rows.push((format!("{kind}:{{ID}}"), format!("{kind}:{{{id}}}")));
    }
    let plain = [
        "market:plumbing",
        "market:nowhere",
        "market:A B",
        "market:",
        "admin",
        "admin:",
        "Admin",
        "metrics",
        "metrics:",
    ];
    for (name, id) in [("recorder:{any}", NOTHING), ("recorder:7", "7"), ("recorder:", "")] {
        rows.push((name.to_owned(), format!("recorder:{id}")));
    }
    let more = ["loadtest:a", "loadtest:a b", "loadtest:", "kitchen", "kitchen:7", ":", ""];
    rows.extend(plain.iter().chain(&more).map(|room| (format!("{room:?}"), (*room).to_owned())));
    rows
}

/// The table of every caller's result in every room.
async fn table(app: &TestApp, keys: &[Key], rows: &[(String, String)], is_socket_io: bool) -> String {
    let mut columns = Vec::new();
    for key in keys {
        let mut live =
            if is_socket_io { Live::socket_io(app, key).await } else { Live::json(app, key).await };
        let mut column = Vec::new();
        for (_, room) in rows {
            column.push(match &mut live {
                Some(live) => live.join(room).await,
                None => "no session".to_owned(),
            });
        }
        columns.push(column);
    }
    let mut table = format!("{:<24}", "");
    CALLERS.iter().for_each(|caller| write!(table, "{caller:<12}").unwrap());
    for (index, (name, _)) in rows.iter().enumerate() {
        write!(table, "\n{name:<24}").unwrap();
        columns.iter().for_each(|column| write!(table, "{:<12}", column[index]).unwrap());
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

both_engines! {
    async fn every_kind_of_room_answers_every_kind_of_caller_as_the_table_says(
        app with [
            "--load-test-secret=0123456789abcdef0123456789abcdef", "--free-messages=1000", "--malformed-per-minute=1000",
        ]
    ) {
        let people = People::come(app).await;
        let editor = app.consumer("ed").await;
        let viewer = app.consumer("vi").await;
        let booked = World::at(app, &people, Stage::Booked).await;
        let private = World::at(app, &people, Stage::Private).await;
        let planned = World::at(app, &people, Stage::Planned).await;
        for (person, role) in [(&editor, "editor"), (&viewer, "viewer")] {
            let member = format!("/projects/{}/members/{}", planned.made["projects"], person.id);
            people.ana.put(&member, json!({"role": role})).await.ok();
        }
        let token = |client: &crate::support::Client| Key::Token(client.token().unwrap().to_owned());
        let keys = [
            token(&people.ana), token(&people.ben), token(&viewer), token(&editor), token(&people.carl),
            token(&people.dora), token(&people.admin), Key::LoadTest, token(&people.suspended), token(&people.expired),
            token(&people.revoked), Key::None,
        ];
        let rows = rows(&booked, &private, &planned, &people.ana);

        let shown: BTreeSet<_> = rows.iter().filter_map(|(_, room)| room.parse::<Room>().ok()).collect();
        let shown = shown.iter().map(|room| format!("{room:?}").split('(').next().unwrap().to_owned());
        assert_eq!(shown.collect::<BTreeSet<_>>(), kinds(), "each kind of room has a row here");

        let found = table(app, &keys, &rows, false).await;
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/authorization/rooms.txt");
        if std::env::var_os("UPDATE_MATRIX").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        let through_socket_io = table(app, &keys, &rows, true).await;
        for (dialect, found) in [("JSON", &found), ("Socket.IO", &through_socket_io)] {
            for (expected, found) in expected.lines().zip(found.lines()) {
                assert_eq!(expected, found, "{dialect}");
            }
            assert_eq!(expected.lines().count(), found.lines().count(), "{dialect}");
        }
    }
}
