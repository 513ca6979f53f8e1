//! The cost of an idle authenticated WebSocket: resident memory of a real server per connection, and its CPU time while
//! nothing happens, for growing numbers of connections.
//!
//! `cargo bench --bench idle_connections [-- --counts 1000,5000,15000 --dialect socket-io]`. Each connection is one
//! of a user of its own, is greeted and joins its user's room, as every session does; the figure is the growth of the server's resident set divided by the
//! number of connections. Beside it, in the same run, the growth of a bare server that answers an upgrade and keeps a
//! buffer of 2 KiB for each connection.
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

/// Connections before those that are measured.
const WARM: usize = 128;

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Options {
    /// Connections, in growing numbers
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 10_000])]
    counts: Vec<usize>,
    /// What clients speak
    #[arg(long, value_enum, default_value_t = Dialect::Plain)]
    dialect: Dialect,
    /// Core that each server runs on
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// The `souk` to measure, for a comparison with another build
    #[arg(long, default_value = env!("CARGO_BIN_EXE_souk"))]
    souk: std::path::PathBuf,
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
    let most = options.counts.iter().max().unwrap();
    let tokens = people::tokens(file.to_str().unwrap(), Role::Provider, *most + WARM);
    println!("                    KiB each   opened/s   CPU while idle");
    for count in &options.counts {
        println!("{count} connections");
        let souk = Server::souk(&options.souk, options.core, file.to_str().unwrap());
        let of_souk = measure(&souk, "souk", options.dialect, &tokens, *count);
        drop(souk);
        let bare = Server::baseline(options.core, &["--bare"]);
        let of_bare = measure(&bare, "bare", Dialect::Plain, &["none".to_owned()], *count);
        println!("  souk to bare: {:.2} times the memory", of_souk / of_bare);
    }
}

/// KiB per connection; prints them.
fn measure(server: &Server, name: &str, dialect: Dialect, tokens: &[String], count: usize) -> f64 {
    let open = |number: usize| connect(server.address, dialect, &tokens[number % tokens.len()]);
    // One-time allocations (pools, the first sessions' buffers) are not the cost of a connection.
    let _warm: Vec<TcpStream> = (0..WARM).map(open).collect();
    std::thread::sleep(Duration::from_secs(1));
    let (before, began) = (server.resident(), Instant::now());
    let _connections: Vec<TcpStream> = (WARM..WARM + count).map(open).collect();
    let took = began.elapsed();
    // After its greeting each session still joins its user's room.
    std::thread::sleep(Duration::from_secs(2));
    let each = (server.resident() - before) as f64 / count as f64;
    let cpu = server.cpu();
    std::thread::sleep(IDLE);
    let idle = (server.cpu() - cpu).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    println!("  {name:<14} {each:>11.1} {:>10.0} {idle:>13.2} %", count as f64 / took.as_secs_f64());
    each
}
