//! The cost of an authenticated WebSocket connect: CPU time of a real server, and the time until the greeting with 64
//! handshakes at a time.
//!
//! `cargo bench --bench connect [-- COUNT]`; COUNT is 4,000 by default. The same connects are made to a bare server,
//! which reads a head and answers it with an upgrade and a frame as long as the greeting: only the ratio of the two
//! within one run carries over to other machines. Processors that do other work meanwhile make both slower.
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
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Handshakes at a time.
const AT_ONCE: usize = 64;

/// Length of the greeting and its frame.
const GREETING: usize = 460;

/// A server as a child process, killed with this one.
struct Server {
    process: Child,
    address: String,
    tokens: Vec<String>,
}

impl Server {
    fn souk() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["demo", "--json", "--bind", "127.0.0.1:0", "--workers", "1", "--log-filter", "warn"])
            .args(["--free-connections", "1000000", "--connections-per-address", "1000000"])
            .args(["--pro-connections", "1000000", "--enterprise-connections", "1000000"])
            .args(["--unauthenticated-per-address", "1000000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let demo: serde_json::Value = serde_json::from_str(&first_line(&mut process)).unwrap();
        let token = |user: &serde_json::Value| user["access_token"].as_str().unwrap().to_owned();
        let active = |user: &&serde_json::Value| user["is_active"] == true;
        let tokens = demo["users"].as_array().unwrap().iter().filter(active).map(token).collect();
        let address = demo["base_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { process, address, tokens }
    }

    fn bare() -> Self {
        let itself = std::env::current_exe().unwrap();
        let mut process = Command::new(itself).arg("--bare").stdout(Stdio::piped()).spawn().unwrap();
        let address = first_line(&mut process).trim().to_owned();
        Self { process, address, tokens: vec!["none".into()] }
    }

    /// CPU time of all its threads so far.
    fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let of_task = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            stat.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        Duration::from_nanos(tasks.map(of_task).sum())
    }

    /// Opens a connection and reads its greeting.
    fn connect(&self, number: usize) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
            self.address,
            self.tokens[number % self.tokens.len()]
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

    /// Opens so many connections; the shortest that it took first.
    fn connect_all(&self, count: usize) -> Vec<(Duration, TcpStream)> {
        let mut opened: Vec<(Duration, TcpStream)> = std::thread::scope(|scope| {
            let open = |thread: usize| {
                let open_one = move |number| {
                    let began = Instant::now();
                    let socket = self.connect(number);
                    (began.elapsed(), socket)
                };
                scope.spawn(move || (thread..count).step_by(AT_ONCE).map(open_one).collect::<Vec<_>>())
            };
            let threads: Vec<_> = (0..AT_ONCE).map(open).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        opened.sort_unstable_by_key(|(took, _)| *took);
        opened
    }

    /// CPU time per connect; prints it, and how long connects took.
    fn measure(&self, name: &str, count: usize) -> Duration {
        // One-time allocations, and the first read of who each token is for.
        drop(self.connect_all(AT_ONCE * 4));
        std::thread::sleep(Duration::from_secs(1));
        let before = self.cpu();
        let opened = self.connect_all(count);
        // Sessions still join their user's room.
        std::thread::sleep(Duration::from_millis(500));
        let cpu = (self.cpu() - before) / u32::try_from(count).unwrap();
        let at = |percent: usize| opened[(count * percent / 100).min(count - 1)].0.as_secs_f64() * 1e3;
        println!("{name}: {cpu:.1?} of CPU each; greeted after p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
        cpu
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn first_line(process: &mut Child) -> String {
    let mut line = String::new();
    let mut output: BufReader<ChildStdout> = BufReader::new(process.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    line
}

/// Serves the bare upgrade, and prints its address.
async fn bare() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-accept: JWgEQ4wkBgYQ3rGaZ2VFWTKfE6Q=\r\n\r\n\x81\x7e\x01\xc8"
        .to_vec();
    let mut greeting = b"{\"type\":\"connection_established\"".to_vec();
    greeting.resize(GREETING - 4, b' ');
    answer.append(&mut greeting);
    let answer: &'static [u8] = answer.leak();
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let (mut head, mut buffer) = (Vec::new(), [0; 2048]);
            while !head.ends_with(b"\r\n\r\n") {
                match socket.read(&mut buffer).await {
                    Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
                    _ => return,
                }
            }
            let _ = socket.write_all(answer).await;
            // Until the client goes.
            while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        });
    }
}

fn main() {
    souk::server::allow_many_files().unwrap();
    if std::env::args().any(|argument| argument == "--bare") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(bare());
    }
    let count: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(4_000);
    let bare = Server::bare().measure("bare", count);
    let souk = Server::souk().measure("souk", count);
    println!("ratio: {:.2}", souk.as_secs_f64() / bare.as_secs_f64());
}
