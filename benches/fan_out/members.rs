//! The child process: sockets that read everything and report when all bytes have arrived.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::Scenario;

/// The server process's handle on the child.
pub(crate) struct Members {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Members {
    /// Starts the child, which connects at once.
    pub(crate) fn connect(address: SocketAddr, scenario: Scenario) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--members-of", &address.to_string(), "--rooms", &scenario.rooms.to_string()])
            .args(["--members", &scenario.members.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, orders, answers: BufReader::new(answers) }
    }

    /// Blocks until the child reports `word`.
    pub(crate) fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word, "what the members say");
    }

    /// Resets every member's counter and sets the number of bytes to expect.
    pub(crate) fn expect(&mut self, bytes: usize) {
        writeln!(self.orders, "{bytes}").unwrap();
        self.wait_for("counting");
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// State shared by all members of the child.
#[derive(Default)]
struct Count {
    expected: Cell<usize>,
    /// Number of the current round; a change tells the members to restart counting.
    round: Cell<u64>,
    missing: Cell<usize>,
    all_here: Notify,
}

/// The child's `main`.
pub(crate) fn run(address: SocketAddr, scenario: Scenario) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let count = Rc::<Count>::default();
        for number in 0..scenario.connections() {
            let stream = TcpStream::connect(address).await.unwrap();
            let member = member(stream, number % scenario.rooms, count.clone());
            tokio::task::spawn_local(member);
        }
        println!("connected");
        while let Some(bytes) = tokio::task::spawn_blocking(order).await.unwrap() {
            count.expected.set(bytes);
            count.missing.set(scenario.connections());
            count.round.set(count.round.get() + 1);
            println!("counting");
            count.all_here.notified().await;
            println!("done");
        }
    });
}

fn order() -> Option<usize> {
    std::io::stdin().lines().next()?.ok()?.parse().ok()
}

async fn member(mut stream: TcpStream, room: usize, count: Rc<Count>) {
    let hello = format!(
        "GET /room/{room} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(hello.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 16 * 1024];
    let (mut round, mut bytes) = (0, 0);
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        if round != count.round.get() {
            (round, bytes) = (count.round.get(), 0);
        }
        let before = bytes;
        // Pings do not count; no other byte of these messages is 0x89.
        let pings = buffer[..read].iter().filter(|byte| **byte == 0x89).count();
        bytes += read - 2 * pings;
        if before < count.expected.get() && bytes >= count.expected.get() {
            if bytes > count.expected.get() {
                println!("a member got {bytes} bytes instead of {}", count.expected.get());
                std::process::exit(1);
            }
            count.missing.set(count.missing.get() - 1);
            if count.missing.get() == 0 {
                count.all_here.notify_one();
            }
        }
    }
}
