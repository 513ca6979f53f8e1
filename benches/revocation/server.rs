//! The servers, each a child process that is killed with this one.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

pub(crate) const JWT_SECRET: &str = "6f1d0c5be2a94783b1a7c9d2e4f60811";
pub(crate) const LOAD_TEST_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Limits that have tests of their own, raised so as not to interfere.
const FLAGS: &[&str] = &[
    "--workers=2",
    "--free-connections=1000000",
    "--connections-per-address=1000000",
    "--unauthenticated-per-address=1000000",
    "--free-requests=1000000",
    "--free-messages=1000000",
    "--anonymous-requests=1000000",
    "--log-format=json",
    "--log-filter=warn,souk::server=info",
];

pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
}

impl Server {
    /// Starts `souk serve` on this database.
    pub(crate) fn start(database: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["serve", "--bind=127.0.0.1:0", "--jwt-secret", JWT_SECRET])
            .args(["--load-test-secret", LOAD_TEST_SECRET, "--database-url", database])
            .args(FLAGS)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "souk does not serve");
            let line: Option<Value> = serde_json::from_str(&line).ok();
            if let Some(address) = line.and_then(|line| line["address"].as_str()?.parse().ok()) {
                break address;
            }
        };
        // Drained, so that a full pipe never blocks the server.
        std::thread::spawn(move || log.bytes().count());
        Self { process, address, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Starts the server that upgrades and does nothing else.
    pub(crate) fn bare() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("--bare")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Self { process, address, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Sends a request and reads the whole response, which must be a success.
    pub(crate) async fn call(&self, method: reqwest::Method, path: &str, token: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("http://{}{path}", self.address)).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Waits until the server is idle: it notices dropped connections one by one.
    pub(crate) async fn settle(&self) {
        let ticks = |process: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
            let fields: Vec<u64> = stat
                .rsplit(')')
                .next()
                .unwrap()
                .split_whitespace()
                .filter_map(|field| field.parse().ok())
                .collect();
            // After the name and the state: utime and stime are the tenth and eleventh numbers (proc(5)).
            fields[10] + fields[11]
        };
        let mut before = ticks(self.process.id());
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = ticks(self.process.id());
            if now - before <= 2 {
                return;
            }
            before = now;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
