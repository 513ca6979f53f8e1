//! The cost of a stalled client to the others: the 99th percentile of the time from sending a message to
//! receiving it, with one of a hundred members stalled, divided by the same without it. The target is below
//! 1.5.
//!
//! `cargo bench --bench slow_consumer [-- --rounds 10 --messages 500 --rate 100]`. A real server with its
//! default limits and a file on disk; rounds with and without a stalled client alternate, so that both meet
//! the same load of the machine. A round's messages exceed what the kernel and the outbox buffer for a client
//! that does not read, so that the stalled client passes through each of its states: filling, slow, evicted.
//! The median of the rounds of each kind counts: a disturbance spoils one round, not half of them. Only the
//! ratio is meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Socket = WebSocketStream<tokio::net::TcpStream>;

#[derive(Parser)]
struct Options {
    /// Rounds, half of them with a stalled client
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Messages in each
    #[arg(long, default_value_t = 500)]
    messages: usize,
    /// Messages a second
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Members who read
    #[arg(long, default_value_t = 99)]
    members: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Characters per message, so that a round exceeds a stalled client's buffers.
const LENGTH: usize = 4_000;

/// A demo server as a child process, killed with this one.
struct Server {
    process: Child,
    address: SocketAddr,
    token: String,
    room: String,
}

impl Server {
    async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["demo", "--json", "--bind", "127.0.0.1:0", "--log-filter", "warn"])
            .args(["--free-connections", "1000", "--free-messages", "1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let demo: Value = serde_json::from_str(&line).unwrap();
        let url = demo["base_url"].as_str().unwrap().to_owned();
        let address = url.trim_start_matches("http://").parse().unwrap();
        let mut users =
            demo["users"].as_array().unwrap().iter().filter_map(|user| user["access_token"].as_str());
        let mut server = Self { process, address, token: String::new(), room: String::new() };
        while server.room.is_empty() {
            users.next().expect("somebody of the demo has a chat").clone_into(&mut server.token);
            server.room = server.chat(&url).await.unwrap_or_default();
        }
        server
    }

    /// The room of a session of the token's user.
    async fn chat(&self, url: &str) -> Option<String> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let sessions = http.get(format!("{url}/sessions")).bearer_auth(&self.token).send().await.unwrap();
        let sessions: Value = serde_json::from_str(&sessions.text().await.unwrap()).unwrap();
        sessions["items"][0]["id"].as_str().map(|id| format!("session:{id}"))
    }

    /// Number of sessions evicted because they did not read.
    async fn evicted(&self) -> usize {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let metrics = http.get(format!("http://{}/metrics", self.address)).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let name = r#"souk_hub_evictions_total{reason="slow_consumer"} "#;
        metrics.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0)
    }

    /// Opens a connection that has joined the session's room. Its small receive buffer makes the server
    /// notice a stall.
    async fn join(&self) -> Socket {
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(16 * 1024).unwrap();
        let tcp = tcp.connect(self.address).await.unwrap();
        let url = format!("ws://{}/ws?token={}", self.address, self.token);
        let (mut socket, _) = tokio_tungstenite::client_async(url, tcp).await.unwrap();
        send(&mut socket, &json!({"type": "join", "id": 1, "room": self.room})).await;
        while !text(&mut socket).await.starts_with(r#"{"type":"ack""#) {}
        socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn send(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn text(socket: &mut Socket) -> String {
    loop {
        if let Message::Text(text) = socket.next().await.expect("it goes on").unwrap() {
            return text.to_string();
        }
    }
}

/// Receives this many messages; returns each one's latency.
async fn receive(mut socket: Socket, messages: usize, epoch: Instant) -> Vec<Duration> {
    let mut took = Vec::with_capacity(messages);
    while took.len() < messages {
        let text = text(&mut socket).await;
        let Some((_, said_at)) = text.split_once(r#""text":"at "#) else { continue };
        let said_at = said_at.split(' ').next().unwrap().parse().unwrap();
        took.push(epoch.elapsed().saturating_sub(Duration::from_nanos(said_at)));
    }
    took
}

async fn round(options: &Options, server: &Server, is_one_stalled: bool) -> Vec<Duration> {
    let epoch = Instant::now();
    let mut members = Vec::new();
    for _ in 0..options.members {
        members.push(tokio::spawn(receive(server.join().await, options.messages, epoch)));
    }
    let stalled = if is_one_stalled { Some(server.join().await) } else { None };
    let mut speaker = server.join().await;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / options.rate);
    let padding = "x".repeat(LENGTH - 30);
    for _ in 0..options.messages {
        pace.tick().await;
        let text = format!("at {} {padding}", epoch.elapsed().as_nanos());
        let name = uuid::Uuid::new_v4().to_string();
        let message =
            json!({"type": "chat_message", "room": server.room, "text": text, "client_msg_id": name});
        send(&mut speaker, &message).await;
        // The sender's own copies are read, but not measured.
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, speaker.next()).await {}
    }
    let took = join_all(members).await.into_iter().flat_map(Result::unwrap).collect();
    drop((stalled, speaker));
    took
}

/// The value at this percentile.
fn percentile(took: &mut [Duration], of_hundred: usize) -> Duration {
    took.sort_unstable();
    took[took.len() * of_hundred / 100]
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start().await;
        // The first round is a warm-up.
        round(&options, &server, false).await;
        let mut rounds = [Vec::new(), Vec::new()];
        for number in 0..options.rounds {
            let is_one_stalled = number % 2 == 1;
            let mut took = round(&options, &server, is_one_stalled).await;
            let [p50, p99] = [50, 99].map(|of_hundred| percentile(&mut took, of_hundred));
            println!(
                "{:<16} p50 {p50:>9.2?}, p99 {p99:>9.2?}",
                if is_one_stalled { "one is stalled" } else { "all read" }
            );
            rounds[usize::from(is_one_stalled)].push(p99);
        }
        let (stalled, evicted) = (options.rounds / 2, server.evicted().await);
        assert_eq!(evicted, stalled, "each stalled client was sent away, and nobody else");
        let [without, with] = rounds.map(|mut p99s| percentile(&mut p99s, 50));
        println!(
            "median p99 {without:.2?} without, {with:.2?} with one stalled: ratio {:.2}",
            with.as_secs_f64() / without.as_secs_f64()
        );
    });
}
