//! Moves of tasks on one board: how many a second are acknowledged, that is durable, and how soon the others
//! see them; beside a baseline in the same run, chat messages in one room, which are durable and delivered
//! alike but are one row each.
//!
//! `cargo bench --bench board_moves [-- --editors 8 --seconds 5]`. The server is `souk demo` in a process of
//! its own, on a fresh SQLite file; the editors share this process. Each waits for the answer to its move
//! before the next. Machines are noisy: only the ratios within one run are meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Tasks of each editor, so that no two move the same one.
const TASKS_EACH: usize = 25;

#[derive(Parser, Clone)]
struct Options {
    /// Editors who move at once
    #[arg(long, default_value_t = 8)]
    editors: usize,
    /// Length of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// A demo server as a child process, killed with this one.
struct Server {
    process: Child,
    demo: Value,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["demo", "--json", "--bind", "127.0.0.1:0", "--log-filter", "warn"])
            .args(["--free-messages", "1000000", "--free-connections", "1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, demo: serde_json::from_str(&line).unwrap() }
    }

    fn token(&self, name: &str) -> &str {
        let users = self.demo["users"].as_array().unwrap();
        users.iter().find(|user| user["name"] == name).unwrap()["access_token"].as_str().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// When each change was sent, by whom, and how long others took to see it.
#[derive(Default)]
struct Seen {
    sent: HashMap<String, (usize, Instant)>,
    delays: Vec<Duration>,
}

struct Editor {
    number: usize,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    requests: u64,
    seen: Arc<Mutex<Seen>>,
}

impl Editor {
    async fn connect(server: &Server, number: usize, rooms: &[String], seen: Arc<Mutex<Seen>>) -> Self {
        let token = server.token(if number.is_multiple_of(2) { "dora" } else { "ben" });
        let url = format!("{}?token={token}", server.demo["websocket_url"].as_str().unwrap());
        let (socket, _) = connect_async(url).await.unwrap();
        let mut editor = Self { number, socket, requests: 0, seen };
        for room in rooms {
            editor.request(json!({"type": "join", "room": room})).await;
        }
        editor
    }

    /// Sends a command and waits for its answer; notes the events that come meanwhile.
    async fn request(&mut self, mut command: Value) -> Value {
        self.requests += 1;
        command["id"] = self.requests.into();
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == "event" {
                self.note(&message);
            }
            if message["id"] == self.requests {
                assert_eq!(message["type"], "ack", "{message}");
                return message;
            }
        }
    }

    fn note(&self, event: &Value) {
        let data = &event["data"];
        let key = match event["kind"].as_str() {
            Some("task.moved") => format!("{}@{}", data["task_id"].as_str().unwrap(), data["version"]),
            Some("message.sent") => data["client_msg_id"].as_str().unwrap().to_owned(),
            _ => return,
        };
        let mut seen = self.seen.lock().unwrap();
        if let Some((_, sent)) = seen.sent.get(&key).filter(|(by, _)| *by != self.number) {
            let delay = sent.elapsed();
            seen.delays.push(delay);
        }
    }

    fn sends(&self, key: String) {
        self.seen.lock().unwrap().sent.insert(key, (self.number, Instant::now()));
    }

    async fn chat(&mut self, room: &str, until: Instant) -> u64 {
        let mut done = 0;
        while Instant::now() < until {
            let name = format!("bench-{}-{done}", self.number);
            self.sends(name.clone());
            let text = "x".repeat(40);
            self.request(json!({"type": "chat_message", "room": room, "text": text, "client_msg_id": name}))
                .await;
            done += 1;
        }
        done
    }

    async fn move_tasks(&mut self, project: &str, until: Instant) -> u64 {
        let board = self.request(json!({"type": "board", "project_id": project})).await["board"].clone();
        let columns: Vec<Value> =
            board["columns"].as_array().unwrap().iter().map(|column| column["id"].clone()).collect();
        let mut tasks = Vec::new();
        for n in 0..TASKS_EACH {
            let title = format!("{n} of {}", self.number);
            let create = json!({"type": "task.create", "project_id": project, "title": title});
            tasks.push(self.request(create).await["task"].clone());
        }
        let mut done = 0;
        while Instant::now() < until {
            let at = done % tasks.len();
            let version = tasks[at]["version"].as_i64().unwrap();
            let id = tasks[at]["id"].as_str().unwrap().to_owned();
            self.sends(format!("{id}@{}", version + 1));
            let mut to = json!({
                "type": "task.move", "project_id": project, "task_id": id, "version": version,
                "column_id": columns[(done + done / tasks.len()) % columns.len()],
                "client_msg_id": format!("bench-{}-{done}", self.number),
            });
            if done.is_multiple_of(2) {
                to["after"] = Value::Null;
            }
            tasks[at] = self.request(to).await["task"].clone();
            done += 1;
        }
        u64::try_from(done).unwrap()
    }
}

fn report(what: &str, done: u64, took: Duration, seen: &Mutex<Seen>) -> f64 {
    let mut delays = std::mem::take(&mut seen.lock().unwrap().delays);
    delays.sort_unstable();
    let percentile = |of: usize| delays.get(delays.len() * of / 100).copied().unwrap_or_default();
    let per_second = done as f64 / took.as_secs_f64();
    println!(
        "{what:<16} {per_second:>8.0} acknowledged/s   seen by others: p50 {:.1?}, p99 {:.1?} ({} times)",
        percentile(50),
        percentile(99),
        delays.len(),
    );
    per_second
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let options = Options::parse();
    let server = Server::start();
    let booking = &server.demo["booking"];
    let project = booking["project_id"].as_str().unwrap().to_owned();
    let chat = format!("session:{}", booking["session_id"].as_str().unwrap());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let rooms = [chat.clone(), format!("project:{project}")];
    let mut editors = Vec::new();
    for number in 0..options.editors {
        editors.push(Editor::connect(&server, number, &rooms, seen.clone()).await);
    }
    let length = Duration::from_secs(options.seconds);
    println!("{} editors, {length:?} each", options.editors);
    let began = Instant::now();
    let said = join_all(editors.iter_mut().map(|editor| editor.chat(&chat, began + length))).await;
    let messages = report("chat messages", said.iter().sum(), began.elapsed(), &seen);
    let began = Instant::now();
    let moved = join_all(editors.iter_mut().map(|editor| editor.move_tasks(&project, began + length))).await;
    let moves = report("moves of tasks", moved.iter().sum(), began.elapsed(), &seen);
    println!("a move costs as much as {:.1} messages", messages / moves);
}
