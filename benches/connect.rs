//! The cost of an authenticated WebSocket connect: CPU time of a real server, and the time until the greeting with 64
//! handshakes at a time.
//!
//! `cargo bench --bench connect [-- --count 4000 --dialect socket-io]`. The same connects are made to a bare server,
//! which reads a head and answers it with an upgrade and a frame as long as the greeting: only the ratio of the two
//! within one run carries over to other machines. Processors that do other work meanwhile make both slower.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a program for people at a terminal"
)]

#[path = "shared/people.rs"]
mod people;
#[path = "shared/process.rs"]
mod process;
#[path = "shared/upgrade.rs"]
mod upgrade;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use clap::Parser;
use souk::domain::users::Role;

use process::Server;
use upgrade::{Dialect, connect};

/// Handshakes at a time.
const AT_ONCE: usize = 64;

/// Users who connect, in turn.
const USERS: usize = 64;

#[derive(Parser)]
struct Options {
    /// Connections
    #[arg(long, default_value_t = 4_000)]
    count: usize,
    /// What clients speak
    #[arg(long, value_enum, default_value_t = Dialect::Plain)]
    dialect: Dialect,
    /// Core that each server runs on
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// The `souk` to measure, for a comparison with another build
    #[arg(long, default_value = env!("CARGO_BIN_EXE_souk"))]
    souk: std::path::PathBuf,
    /// A PostgreSQL database to use instead of a fresh file
    #[arg(long)]
    database_url: Option<String>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The child: the bare server
    #[arg(long, hide = true)]
    bare: bool,
}

fn main() {
    souk::server::allow_many_files().unwrap();
    let options = Options::parse();
    if options.bare {
        return upgrade::serve_bare();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("souk.db");
    let database = options.database_url.as_deref().unwrap_or(file.to_str().unwrap());
    let bare = Server::baseline(options.core, &["--bare"]);
    let bare = measure(&bare, "bare", Dialect::Plain, &["none".to_owned()], options.count);
    let tokens = people::tokens(database, Role::Provider, USERS);
    let souk = Server::souk(&options.souk, options.core, database);
    let souk = measure(&souk, "souk", options.dialect, &tokens, options.count);
    println!("ratio: {:.2}", souk.as_secs_f64() / bare.as_secs_f64());
}

/// CPU time per connect; prints it, and how long connects took.
fn measure(server: &Server, name: &str, dialect: Dialect, tokens: &[String], count: usize) -> Duration {
    // One-time allocations, and the first read of who each token is for.
    drop(connect_all(server, dialect, tokens, AT_ONCE * 4));
    std::thread::sleep(Duration::from_secs(1));
    let before = server.cpu();
    let opened = connect_all(server, dialect, tokens, count);
    // Sessions still join their user's room.
    std::thread::sleep(Duration::from_millis(500));
    let cpu = (server.cpu() - before) / u32::try_from(count).unwrap();
    let at = |percent: usize| opened[(count * percent / 100).min(count - 1)].0.as_secs_f64() * 1e3;
    println!("{name}: {cpu:.1?} of CPU each; greeted after p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
    cpu
}

/// Opens so many connections; the one that took shortest first.
fn connect_all(
    server: &Server,
    dialect: Dialect,
    tokens: &[String],
    count: usize,
) -> Vec<(Duration, TcpStream)> {
    let mut opened: Vec<(Duration, TcpStream)> = std::thread::scope(|scope| {
        let open = |thread: usize| {
            let open_one = move |number: usize| {
                let began = Instant::now();
                let socket = connect(server.address, dialect, &tokens[number % tokens.len()]);
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
