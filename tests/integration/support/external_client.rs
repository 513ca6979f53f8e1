//! Real, unmodified Socket.IO clients: programs of a few lines in `tests/clients` that do what they are told.
//!
//! What they need is fetched by [`super::fetched`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::fetched;

/// Nothing that a client waits for takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// Whose client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// npm's `socket.io-client`.
    Node,
    /// PyPI's `python-socketio`.
    Python,
}

/// How it connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transports {
    /// By WebSocket alone.
    WebSocket,
    /// By long-polling alone.
    Polling,
    /// By long-polling first, then by WebSocket.
    Upgrade,
}

/// A running client.
pub struct Puppet {
    _child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    kept: VecDeque<Value>,
    emitted: u64,
}

impl Library {
    /// Starts a client; `None` where that cannot be, which was said loudly then.
    pub async fn start(self) -> Option<Puppet> {
        let home = match self.home() {
            Ok(home) => home,
            Err(why) => {
                fetched::skip(&format!("the {self:?} client"), why);
                return None;
            }
        };
        let mut command = match self {
            Self::Node => tokio::process::Command::new("node"),
            Self::Python => tokio::process::Command::new("python3"),
        };
        match self {
            Self::Node => command.arg(home.join("client.mjs")),
            Self::Python => command.arg(home.join("client.py")).env("PYTHONPATH", home.join("packages")),
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (orders, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let said = BufReader::new(said).lines();
        let mut external_client = Puppet { _child: child, orders, said, kept: VecDeque::new(), emitted: 0 };
        external_client.heard("ready").await;
        Some(external_client)
    }

    /// The folder with the client and all it needs.
    fn home(self) -> Result<&'static Path, &'static str> {
        static NODE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let home = match self {
            Self::Node => &NODE,
            Self::Python => &PYTHON,
        };
        let home = home.get_or_init(|| prepare(self));
        home.as_deref().map_err(String::as_str)
    }
}

fn prepare(library: Library) -> Result<PathBuf, String> {
    match library {
        Library::Node => fetched::by_npm("node", &["client.mjs"]),
        Library::Python => fetched::by_pip("python", &["client.py"]),
    }
}

impl Transports {
    fn names(self) -> Value {
        match self {
            Self::WebSocket => json!(["websocket"]),
            Self::Polling => json!(["polling"]),
            Self::Upgrade => json!(["polling", "websocket"]),
        }
    }
}

impl Puppet {
    /// Connects to a namespace with what `how` says of `auth`, `query` and `headers`.
    pub async fn connect(
        &mut self,
        address: SocketAddr,
        namespace: &str,
        transports: Transports,
        how: Value,
    ) {
        let mut order = json!({
            "do": "connect",
            "url": format!("http://{address}"),
            "namespace": namespace,
            "transports": transports.names(),
        });
        for (key, value) in how.as_object().into_iter().flatten() {
            order[key] = value.clone();
        }
        self.order(order).await;
    }

    /// Emits an event and waits for its acknowledgement.
    pub async fn emit(&mut self, event: &str, data: Value) -> Value {
        self.emit_with(json!({"event": event, "data": data})).await
    }

    /// Emits bytes and waits for the acknowledgement.
    pub async fn emit_bytes(&mut self, event: &str, bytes: &[u8]) -> Value {
        self.emit_with(json!({"event": event, "binary": bytes})).await
    }

    async fn emit_with(&mut self, mut order: Value) -> Value {
        self.emitted += 1;
        let id = self.emitted;
        order["do"] = "emit".into();
        order["namespace"] = "/".into();
        order["id"] = id.into();
        self.order(order).await;
        self.find(&format!("acknowledgement {id}"), |said| said["on"] == "ack" && said["id"] == id).await["data"].take()
    }

    /// The same; it must have gone well.
    pub async fn done(&mut self, event: &str, data: Value) -> Value {
        let answer = self.emit(event, data).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// Disconnects.
    pub async fn disconnect(&mut self) {
        self.order(json!({"do": "disconnect", "namespace": "/"})).await;
    }

    /// The oldest event of this name that was not taken yet; what it says.
    pub async fn heard(&mut self, name: &str) -> Value {
        self.find(name, |said| said["on"] == name).await
    }

    /// The names of what came and was not taken.
    fn kept(&self) -> String {
        self.kept.iter().take(20).map(|said| format!("{} ", said["on"])).collect()
    }

    async fn order(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.orders.flush().await.unwrap();
    }

    async fn find(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(said) = self.kept.iter().position(&is_it).and_then(|at| self.kept.remove(at)) {
            return said;
        }
        // For all of it: a client that tries again and again says so again and again.
        let until = tokio::time::Instant::now() + LIMIT;
        loop {
            let line = tokio::time::timeout_at(until, self.said.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no {what} in time; kept: {}", self.kept())).unwrap();
            let line =
                line.unwrap_or_else(|| panic!("the client ended before {what}; kept: {}", self.kept()));
            let said: Value = serde_json::from_str(&line).unwrap();
            if is_it(&said) {
                return said;
            }
            self.kept.push_back(said);
        }
    }
}
