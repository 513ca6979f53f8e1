//! The cost of an idle authenticated WebSocket: resident memory of a real server, per connection.
//!
//! `cargo bench --bench idle_connections [-- COUNT]`; COUNT is 5,000 by default. Each connection is greeted
//! and joins its user's room, as every session does; the figure is the growth of the server's resident set
//! divided by COUNT.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A demo server as a child process, killed with this one.
struct Server {
    process: Child,
    address: String,
    token: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["demo", "--json", "--bind", "127.0.0.1:0"])
            .args(["--free-connections", "1000000", "--connections-per-address", "1000000"])
            .args(["--unauthenticated-per-address", "1000000", "--log-filter", "warn"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let demo: serde_json::Value = serde_json::from_str(&line).unwrap();
        let user = &demo["users"][0];
        Self {
            process,
            address: demo["base_url"].as_str().unwrap().trim_start_matches("http://").to_owned(),
            token: user["access_token"].as_str().unwrap().to_owned(),
        }
    }

    /// Resident memory in KiB.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Opens a connection and reads its greeting.
    fn connect(&self) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
            self.address, self.token
        );
        socket.write_all(request.as_bytes()).unwrap();
        let (mut seen, mut buffer) = (Vec::new(), [0; 2048]);
        while !seen.windows(22).any(|window| window == b"connection_established") {
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "refused: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
        socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() {
    let count: u32 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5_000);
    souk::server::allow_many_files().unwrap();
    let server = Server::start();
    // One-time allocations (pools, the first sessions' buffers) are not the cost of a connection.
    let _warm: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    let before = server.resident();
    let began = Instant::now();
    let connections: Vec<TcpStream> = (0..count).map(|_| server.connect()).collect();
    let took = began.elapsed();
    // After its greeting each session still joins its user's room.
    std::thread::sleep(Duration::from_secs(2));
    let after = server.resident();
    println!(
        "{} idle authenticated connections: {:.1} KiB each ({before} KiB before, {after} KiB after); \
         opened one after the other at {:.0}/s",
        connections.len(),
        (after - before) as f64 / f64::from(count),
        f64::from(count) / took.as_secs_f64(),
    );
}
