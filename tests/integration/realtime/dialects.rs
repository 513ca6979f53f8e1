//! Runs one file of commands and expected results (`dialects.json`) through each dialect: a dialect must not
//! change the meaning.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp, id};

use super::fixtures::db_session;

/// An id of no row.
const NOTHING: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A user's command. Fields of a response or notice that are not listed may have any value.
#[derive(Deserialize)]
struct Step {
    who: String,
    command: String,
    fields: Map<String, Value>,
    answer: Option<Value>,
    error: Option<String>,
    #[serde(default)]
    received: Vec<Value>,
}

/// The steps, with placeholders replaced.
fn steps(names: &[(&str, &str)]) -> Vec<Step> {
    let mut text = include_str!("dialects.json").to_owned();
    for (name, value) in names {
        text = text.replace(name, value);
    }
    serde_json::from_str(&text).unwrap()
}

/// A client of either dialect.
enum Speaker {
    Json(Box<Socket>),
    SocketIo(Box<SocketIo>),
}

impl Speaker {
    /// Sends a command; the response, or the code of the error.
    async fn command(&mut self, name: &str, fields: &Map<String, Value>) -> Result<Value, String> {
        match self {
            Self::Json(socket) => {
                let mut request = Value::Object(fields.clone());
                request["type"] = name.into();
                if name == "ping" {
                    socket.send(request).await;
                    return Ok(socket.recv("pong").await);
                }
                let answer = socket.request(request).await;
                let code = answer["code"].as_str().map(str::to_owned);
                if answer["type"] == "error" { Err(code.unwrap()) } else { Ok(answer) }
            }
            Self::SocketIo(socket) => {
                let name = match name {
                    "join" | "leave" => &format!("room:{name}"),
                    name => name,
                };
                // Both take the room's name for rooms; for chat, Socket.IO takes the session's id.
                let mut fields = fields.clone();
                let session = fields.get("room").and_then(|room| room.as_str()?.strip_prefix("session:"));
                if let ("chat_message", Some(session)) = (name, session) {
                    fields.insert("session_id".into(), session.to_owned().into());
                    fields.remove("room");
                }
                let answer = socket.emit(name, fields.into()).await;
                let code = answer["error"]["code"].as_str().map(str::to_owned);
                if answer["ok"] == true { Ok(answer) } else { Err(code.unwrap()) }
            }
        }
    }

    /// The next notice of this name.
    async fn receive(&mut self, notice: &str) -> Value {
        match self {
            Self::Json(socket) => {
                if notice != "event" {
                    return socket.recv(notice).await;
                }
                let mut received = socket.event("message.sent").await;
                received["text"] = received["data"]["text"].take();
                received
            }
            Self::SocketIo(socket) => {
                socket.recv(if notice == "event" { "chat_message" } else { notice }).await
            }
        }
    }
}

/// Asserts that `is` contains everything in `expected`.
#[track_caller]
fn assert_has(is: &Value, expected: &Value, what: &str) {
    for (field, value) in expected.as_object().unwrap() {
        if field != "who" && field != "notice" {
            assert_eq!(&is[field], value, "{field} of {what}: {is}");
        }
    }
}

/// A board of ana's and ben's, and two invitations of ben's to another one of ana's.
struct Board {
    project: String,
    task: String,
    columns: [String; 2],
    invitations: [String; 3],
}

impl Board {
    async fn prepare(ana: &Person, ben: &Person) -> Self {
        let open =
            async || id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()).to_owned();
        let (project, other) = (open().await, open().await);
        ana.put(&format!("/projects/{project}/members/{}", ben.id), json!({"role": "editor"})).await.ok();
        let task = ana.post(&format!("/projects/{project}/tasks"), json!({"title": "Tiles"})).await.ok();
        let columns = ana.get(&format!("/projects/{project}/columns")).await.ok();
        let invite = async || {
            let whom = json!({"user_id": ben.id, "role": "viewer"});
            id(&ana.post(&format!("/projects/{other}/invitations"), whom).await.ok()).to_owned()
        };
        Self {
            task: id(&task).to_owned(),
            columns: [1, 2].map(|at| id(&columns["items"][at]).to_owned()),
            invitations: [invite().await, invite().await, invite().await],
            project,
        }
    }

    fn names(&self) -> [(&str, &str); 7] {
        [
            ("$project", &self.project),
            ("$task", &self.task),
            ("$column1", &self.columns[0]),
            ("$column2", &self.columns[1]),
            ("$invitation1", &self.invitations[0]),
            ("$invitation2", &self.invitations[1]),
            ("$invitation3", &self.invitations[2]),
        ]
    }
}

async fn play(app: &TestApp, ana: (&Person, Speaker), ben: (&Person, Speaker)) {
    let room = db_session(app, ana.0, ben.0).await;
    let conversation = id(&ana.0.post("/conversations", json!({})).await.ok()).to_owned();
    let (ana_id, ben_id) = (ana.0.id.clone(), ben.0.id.clone());
    let board = Board::prepare(ana.0, ben.0).await;
    let mut people = [("ana", ana.1), ("ben", ben.1)];
    let own = [
        ("$room", room.as_str()),
        ("$ana", &ana_id),
        ("$ben", &ben_id),
        ("$conversation", &conversation),
        ("$nothing", NOTHING),
    ];
    for step in steps(&[own.as_slice(), board.names().as_slice()].concat()) {
        let what = format!("{} {} {}", step.who, step.command, json!(step.fields));
        let speaker = &mut people.iter_mut().find(|(name, _)| *name == step.who).unwrap().1;
        let answer = speaker.command(&step.command, &step.fields).await;
        match (answer, step.answer, step.error) {
            (Ok(answer), Some(expected), None) => assert_has(&answer, &expected, &what),
            (Err(code), None, Some(expected)) => assert_eq!(code, expected, "{what}"),
            (other, _, _) => panic!("{what}: {other:?}"),
        }
        for expected in step.received {
            let listener = &mut people.iter_mut().find(|(name, _)| expected["who"] == *name).unwrap().1;
            let received = listener.receive(expected["notice"].as_str().unwrap()).await;
            assert_has(&received, &expected, &format!("what is heard of {what}"));
        }
    }
}

async fn people(app: &TestApp) -> (Person, Person) {
    (app.consumer("ana").await, app.provider("ben").await)
}

async fn plain(person: &Person) -> Speaker {
    Speaker::Json(Box::new(person.live().await))
}

async fn socketio(app: &TestApp, person: &Person) -> Speaker {
    Speaker::SocketIo(Box::new(SocketIo::connect(app.address, person.token().unwrap()).await))
}

both_engines! {
    async fn json_brings_about_what_is_written(app with ["--free-messages=1000"]) {
        let (ana, ben) = people(app).await;
        play(app, (&ana, plain(&ana).await), (&ben, plain(&ben).await)).await;
    }

    async fn socketio_brings_about_the_same(app with ["--free-messages=1000"]) {
        let (ana, ben) = people(app).await;
        play(app, (&ana, socketio(app, &ana).await), (&ben, socketio(app, &ben).await)).await;
    }

    async fn so_do_the_two_together(app with ["--free-messages=1000"]) {
        let (ana, ben) = people(app).await;
        play(app, (&ana, socketio(app, &ana).await), (&ben, plain(&ben).await)).await;
    }
}

/// Names of the commands, read from the source.
fn commands() -> BTreeSet<&'static str> {
    let sources =
        [include_str!("../../../src/protocol/command.rs"), include_str!("../../../src/protocol/board.rs")];
    let names = sources.map(|source| {
        let names = source.split("fn name(&self)").nth(1).unwrap().split("\n    }\n").next().unwrap();
        names.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next())
    });
    names.into_iter().flatten().collect()
}

#[test]
fn every_command_is_told_through_each_dialect() {
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    let told = steps(&[]);
    let told: BTreeSet<_> = told.iter().map(|step| step.command.as_str()).collect();
    let silent: Vec<_> = commands.difference(&told).collect();
    assert!(silent.is_empty(), "no step in dialects.json gives {silent:?}");
    let refused =
        |name: &&&str| !steps(&[]).iter().any(|step| step.command == **name && step.error.is_none());
    let only_refused: Vec<_> = commands.iter().filter(refused).collect();
    // With a fresh token, an entry and an unanswered message they have tests of their own: rights/mod.rs,
    // reflections.rs, answers.rs, boards.rs.
    assert_eq!(
        only_refused,
        [&"answer", &"cancel", &"invitation.revoke", &"reflect", &"refresh", &"regenerate"]
    );
}
