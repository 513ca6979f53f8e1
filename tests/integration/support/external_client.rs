//! Real, unmodified Socket.IO clients: small programs in `tests/clients`, controlled over standard input.
//!
//! Their dependencies are fetched by [`super::fetched`].

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

/// Upper bound for anything a client waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// Client library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// npm's `socket.io-client`.
    Node,
    /// PyPI's `python-socketio`.
    Python,
}

/// Transports to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transports {
    /// WebSocket only.
    WebSocket,
    /// Long-polling only.
    Polling,
    /// Long-polling, upgraded to WebSocket.
    Upgrade,
}

/// A running client process.
pub struct ExternalClient {
    _child: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    kept: VecDeque<Value>,
    emitted: u64,
}

impl Library {
    /// Starts a client; `None` if it is not available, which was reported.
    pub async fn start(self) -> Option<ExternalClient> {
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
        let (orders, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let lines = BufReader::new(output).lines();
        let mut external_client =
            ExternalClient { _child: child, orders, lines, kept: VecDeque::new(), emitted: 0 };
        external_client.receive("ready").await;
        Some(external_client)
    }

    /// The folder of the client and its dependencies.
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

impl ExternalClient {
    /// Connects to a namespace with the `auth`, `query` and `headers` in `how`.
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

    /// Emits an event and returns its acknowledgement.
    pub async fn emit(&mut self, event: &str, data: Value) -> Value {
        self.emit_with(json!({"event": event, "data": data})).await
    }

    /// Emits bytes and returns the acknowledgement.
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
        self.find(&format!("acknowledgement {id}"), |report| report["on"] == "ack" && report["id"] == id)
            .await["data"]
            .take()
    }

    /// Like `emit`, but panics unless the acknowledgement reports success.
    pub async fn done(&mut self, event: &str, data: Value) -> Value {
        let answer = self.emit(event, data).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// Disconnects.
    pub async fn disconnect(&mut self) {
        self.order(json!({"do": "disconnect", "namespace": "/"})).await;
    }

    /// Takes the oldest buffered or next event of this name; returns its data.
    pub async fn receive(&mut self, name: &str) -> Value {
        self.find(name, |report| report["on"] == name).await
    }

    /// Names of the buffered events, for error messages.
    fn kept(&self) -> String {
        self.kept.iter().take(20).map(|report| format!("{} ", report["on"])).collect()
    }

    async fn order(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.orders.flush().await.unwrap();
    }

    async fn find(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(report) = self.kept.iter().position(&is_it).and_then(|at| self.kept.remove(at)) {
            return report;
        }
        // One deadline for the whole wait: a reconnecting client reports attempts endlessly.
        let until = tokio::time::Instant::now() + LIMIT;
        loop {
            let line = tokio::time::timeout_at(until, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no {what} in time; kept: {}", self.kept())).unwrap();
            let line =
                line.unwrap_or_else(|| panic!("the client ended before {what}; kept: {}", self.kept()));
            let report: Value = serde_json::from_str(&line).unwrap();
            if is_it(&report) {
                return report;
            }
            self.kept.push_back(report);
        }
    }
}
