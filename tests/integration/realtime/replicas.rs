//! Eight editors of one board, half of them on Socket.IO, drop out and come back while they move 200 tasks a
//! thousand times. In the end every client's copy is the same, and is what the log and the database say.
//!
//! `SOUK_SEED` repeats the choices of an earlier run.

use std::collections::BTreeMap;
use std::io::Write as _;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp, id};

const EDITORS: usize = 8;
const TASKS: usize = 200;
const MOVES: usize = 1_000;

/// A client's copy of a board.
#[derive(Clone, Debug, Default, PartialEq)]
struct Replica {
    columns: BTreeMap<String, Value>,
    tasks: BTreeMap<String, Value>,
    /// The last event that it contains.
    seq: u64,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Replica {
    fn of_snapshot(board: &Value) -> Self {
        let by_id = |rows: &Value| {
            rows.as_array().unwrap().iter().map(|row| (text(&row["id"]), row.clone())).collect()
        };
        Self {
            columns: by_id(&board["columns"]),
            tasks: by_id(&board["tasks"]),
            seq: board["head"].as_u64().unwrap(),
        }
    }

    /// Applies the next event.
    fn apply(&mut self, event: &Value) {
        let (seq, kind, data) =
            (event["seq"].as_u64().unwrap(), event["kind"].as_str().unwrap(), &event["data"]);
        assert_eq!(seq, self.seq + 1, "every event once and in order: {event}");
        self.seq = seq;
        let row = |key: &str| {
            let mut row = data.clone();
            row.as_object_mut().unwrap().remove(key);
            row
        };
        match kind {
            "task.created" | "task.updated" | "task.restored" => {
                self.tasks.insert(text(&data["task_id"]), row("task_id"));
            }
            "task.archived" => {
                self.tasks.remove(&text(&data["task_id"]));
            }
            "task.moved" => self.set(data, &["column_id", "position", "version", "updated_at"]),
            "column.rebalanced" => {
                for placed in data["positions"].as_array().unwrap() {
                    self.set(placed, &["position"]);
                }
            }
            "column.updated" => {
                let mut column = row("column_id");
                column.as_object_mut().unwrap().remove("order");
                self.columns.insert(text(&data["column_id"]), column);
            }
            "member.added" => {}
            other => panic!("an unexpected event: {other}"),
        }
    }

    fn set(&mut self, from: &Value, fields: &[&str]) {
        if let Some(task) = self.tasks.get_mut(&text(&from["task_id"])) {
            for field in fields {
                task[*field] = from[*field].clone();
            }
        }
    }

    fn ids_in(&self, column: &str) -> Vec<&String> {
        self.tasks.iter().filter(|(_, task)| task["column_id"] == column).map(|(id, _)| id).collect()
    }
}

/// A connection of either dialect.
enum Wire {
    Json(Box<Socket>),
    SocketIo(Box<SocketIo>),
}

impl Wire {
    async fn open(app: &TestApp, who: &Person, number: usize) -> Self {
        match number % 2 {
            0 => Self::Json(Box::new(who.live().await)),
            _ => Self::SocketIo(Box::new(SocketIo::connect(app.address, who.token().unwrap()).await)),
        }
    }

    /// The answer, or the error.
    async fn request(&mut self, name: &str, mut fields: Value) -> Result<Value, Value> {
        match self {
            Self::Json(socket) => {
                fields["type"] = name.into();
                let answer = socket.request(fields).await;
                if answer["type"] == "ack" { Ok(answer) } else { Err(answer) }
            }
            Self::SocketIo(socket) => {
                let name = if name == "join" { "room:join" } else { name };
                let answer = socket.emit(name, fields).await;
                if answer["ok"] == true { Ok(answer) } else { Err(answer["error"].clone()) }
            }
        }
    }

    /// Sends a command without waiting for the answer.
    async fn send(&mut self, name: &str, mut fields: Value) {
        match self {
            Self::Json(socket) => {
                fields["type"] = name.into();
                socket.send(fields).await;
            }
            Self::SocketIo(socket) => socket.send(&format!("42999999{}", json!([name, fields]))).await,
        }
    }

    /// The events that have come.
    fn events(&mut self) -> Vec<Value> {
        match self {
            Self::Json(socket) => socket.take_all("event"),
            Self::SocketIo(socket) => socket.take_all("event"),
        }
    }

    async fn next_event(&mut self) -> Value {
        match self {
            Self::Json(socket) => socket.recv("event").await,
            Self::SocketIo(socket) => socket.recv("event").await,
        }
    }
}

struct Editor<'a> {
    app: &'a TestApp,
    who: Person,
    number: usize,
    project: String,
    wire: Wire,
    replica: Replica,
    random: StdRng,
    commands: u32,
    conflicts: u32,
    drops: u32,
}

impl<'a> Editor<'a> {
    async fn come(app: &'a TestApp, who: Person, number: usize, project: &str, seed: u64) -> Self {
        let wire = Wire::open(app, &who, number).await;
        let random = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        let (project, replica) = (project.to_owned(), Replica::default());
        let mut editor =
            Self { app, who, number, project, wire, replica, random, commands: 0, conflicts: 0, drops: 0 };
        editor.load().await;
        editor
    }

    fn room(&self) -> String {
        format!("project:{}", self.project)
    }

    /// Loads the board, and follows it from there.
    async fn load(&mut self) {
        let mut board = Value::Null;
        let mut after = Value::Null;
        loop {
            let page = self.wire.request("board", json!({"project_id": self.project, "after": after})).await;
            let page = page.unwrap()["board"].clone();
            after = page["next"].clone();
            if board.is_null() {
                board = page;
            } else {
                let tasks = board["tasks"].as_array_mut().unwrap();
                tasks.extend(page["tasks"].as_array().unwrap().iter().cloned());
            }
            if after.is_null() {
                break;
            }
        }
        self.replica = Replica::of_snapshot(&board);
        self.resume().await;
    }

    async fn resume(&mut self) {
        let since = self.replica.seq;
        let joined = self.wire.request("join", json!({"room": self.room(), "since": since})).await.unwrap();
        assert_eq!(joined["recovered"], true, "{joined}");
        for event in joined["events"].as_array().unwrap() {
            self.replica.apply(event);
        }
    }

    fn apply_what_came(&mut self) {
        for event in self.wire.events() {
            if event["room"] == self.room() && event["seq"].as_u64().unwrap() > self.replica.seq {
                self.replica.apply(&event);
            }
        }
    }

    /// Breaks the connection and comes back.
    async fn drop_out(&mut self) {
        self.drops += 1;
        self.wire = Wire::open(self.app, &self.who, self.number).await;
        self.resume().await;
    }

    /// Gives a command, sometimes over a connection that breaks before the answer comes.
    async fn command(&mut self, name: &str, mut fields: Value) {
        self.commands += 1;
        fields["project_id"] = self.project.clone().into();
        fields["client_msg_id"] = format!("{}-{}", self.number, self.commands).into();
        if self.random.random_ratio(1, 20) {
            self.wire.send(name, fields.clone()).await;
            self.drop_out().await;
        }
        if let Err(error) = self.wire.request(name, fields).await {
            assert_eq!(error["code"], "conflict", "{error}");
            self.conflicts += 1;
        }
        self.apply_what_came();
    }

    async fn edit(&mut self, moves: usize) {
        let columns: Vec<String> = self.replica.columns.keys().cloned().collect();
        for n in 0..moves {
            let ids: Vec<&String> = self.replica.tasks.keys().collect();
            let task = (*ids.choose(&mut self.random).unwrap()).clone();
            let column = columns.choose(&mut self.random).unwrap().clone();
            let version = self.replica.tasks[&task]["version"].clone();
            let mut fields = json!({"task_id": task, "version": version, "column_id": column});
            match self.random.random_range(0..4) {
                0 => fields["after"] = Value::Null,
                1 => {}
                _ => {
                    let others = self.replica.ids_in(&column);
                    if let Some(other) = others.choose(&mut self.random) {
                        fields["after"] = json!(other);
                    }
                }
            }
            self.command("task.move", fields).await;
            if n % 25 == 7 {
                self.edit_otherwise(&task).await;
            }
            if self.random.random_ratio(1, 40) {
                self.drop_out().await;
            }
        }
    }

    /// A title, an archived task that comes back, a column's name.
    async fn edit_otherwise(&mut self, task: &str) {
        let version =
            |editor: &Self| editor.replica.tasks.get(task).map(|task| task["version"].as_i64().unwrap());
        if let Some(version) = version(self) {
            let title = format!("{} by {}", self.commands, self.number);
            self.command("task.update", json!({"task_id": task, "version": version, "title": title})).await;
        }
        if let Some(version) = version(self) {
            self.command("task.archive", json!({"task_id": task, "version": version})).await;
            self.command("task.restore", json!({"task_id": task, "version": version + 1})).await;
        }
        let (id, column) = self.replica.columns.iter().next().unwrap();
        let name = format!("To do {}", self.commands);
        let fields = json!({"column_id": id, "version": column["version"], "name": name});
        self.command("column.update", fields).await;
    }

    async fn catch_up(&mut self, head: u64) {
        self.apply_what_came();
        while self.replica.seq < head {
            let event = self.wire.next_event().await;
            if event["room"] == self.room() && event["seq"].as_u64().unwrap() > self.replica.seq {
                self.replica.apply(&event);
            }
        }
    }
}

async fn whole_board(who: &Person, project: &str) -> Value {
    let mut board = who.get(&format!("/projects/{project}/board")).await.ok();
    while let Some(next) = board["next"].as_str() {
        let page = who.get(&format!("/projects/{project}/board?after={next}")).await.ok();
        board["next"] = page["next"].clone();
        let tasks = page["tasks"].as_array().unwrap().clone();
        board["tasks"].as_array_mut().unwrap().extend(tasks);
    }
    board
}

both_engines! {
    async fn eight_editors_who_drop_out_and_come_back_end_with_one_board(
        app with ["--free-messages=10000", "--free-requests=1000000"]
    ) {
        let seed = std::env::var_os("SOUK_SEED");
        let seed = seed.map_or_else(rand::random, |seed| seed.to_str().unwrap().parse().unwrap());
        let ana = app.consumer("ana").await;
        let project = id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()).to_owned();
        let mut people = vec![ana.clone()];
        for n in 1..EDITORS {
            let editor = app.consumer(&format!("editor{n}")).await;
            ana.put(&format!("/projects/{project}/members/{}", editor.id), json!({"role": "editor"})).await.ok();
            people.push(editor);
        }
        let at_first = Replica {
            seq: 0,
            ..Replica::of_snapshot(&ana.get(&format!("/projects/{project}/board")).await.ok())
        };
        let mut maker = ana.live().await;
        for n in 0..TASKS {
            maker.ack(json!({"type": "task.create", "project_id": project, "title": format!("{n}")})).await;
        }
        let mut editors = Vec::new();
        for (number, who) in people.into_iter().enumerate() {
            editors.push(Editor::come(app, who, number, &project, seed).await);
        }
        join_all(editors.iter_mut().map(|editor| editor.edit(MOVES / EDITORS))).await;

        let database = Replica::of_snapshot(&whole_board(&ana, &project).await);
        for editor in &mut editors {
            editor.catch_up(database.seq).await;
            assert_eq!(editor.replica, database, "editor {} has what the database has; SOUK_SEED={seed}", editor.number);
        }
        let mut replayed = at_first;
        for event in ana.read_log(&format!("project:{project}")).await {
            replayed.apply(&event);
        }
        assert_eq!(replayed, database, "so has the log; SOUK_SEED={seed}");
        let (conflicts, drops) = editors.iter().fold((0, 0), |(conflicts, drops), editor| {
            (conflicts + editor.conflicts, drops + editor.drops)
        });
        assert_eq!(database.tasks.len(), TASKS, "no task was lost");
        assert!(drops > 20, "the premise: {drops}");
        let _ = writeln!(
            std::io::stderr(),
            "SOUK_SEED={seed}: {} events, {conflicts} conflicts, {drops} drops", database.seq,
        );
    }
}
