//! The cost of an acknowledged chat message: a token's session, the right to write in the room, the row and its
//! event committed and synced, the answer to the sender, and the event at every member.
//!
//! `cargo bench --bench message [-- --seconds 3]`. Beside it, in the same run: a bare writer that commits rows in
//! groups, and a minimal server by hand on the same crates (`message/peer.rs`) that stores and fans out without
//! asking who may. Clients are sockets of this process; each server is a child process on one core (`--core`),
//! whose CPU time is taken from `/proc`. Machines are noisy: only the ratios within one run, and CPU per message,
//! are meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a program for people at a terminal"
)]

#[path = "message/client.rs"]
mod client;
#[path = "message/drive.rs"]
mod drive;
#[path = "message/peer.rs"]
mod peer;
#[path = "message/people.rs"]
mod people;
#[path = "message/server.rs"]
mod server;
#[path = "message/store.rs"]
mod store;

use std::time::Duration;

use clap::Parser;

use drive::{Measured, Pace};
use server::{Kind, Server};

#[derive(Parser, Clone)]
struct Options {
    /// Length of each measurement, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Core that each server runs on
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Measures only what has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// The `souk` to measure, for a comparison with another build
    #[arg(long, default_value = env!("CARGO_BIN_EXE_souk"))]
    souk: std::path::PathBuf,
    /// Leaves out the bare writer and the server made by hand
    #[arg(long)]
    alone: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The child: the minimal server, with its database in this file
    #[arg(long, hide = true)]
    peer: Option<std::path::PathBuf>,
}

/// Rooms, and sockets in each. A chat session has two parties, who may have several connections each.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    rooms: usize,
    members: usize,
    pace: Pace,
}

/// One sender in each room, who waits for the `ack` before the next message.
const fn closed(name: &'static str, rooms: usize, members: usize) -> Scenario {
    Scenario { name, rooms, members, pace: Pace::Closed }
}

const SCENARIOS: [Scenario; 8] = [
    closed("1 client", 1, 2),
    closed("16 clients", 16, 2),
    closed("64 clients", 64, 2),
    closed("256 clients", 256, 2),
    closed("1 room of 1000", 1, 1_000),
    closed("100 rooms of 10", 100, 10),
    closed("1000 rooms of 2", 1_000, 2),
    Scenario { name: "100 rooms of 10 at 5000/s", rooms: 100, members: 10, pace: Pace::Open(5_000) },
];

fn main() {
    souk::server::allow_many_files().unwrap();
    let report = std::panic::take_hook();
    // Also that of a task, without which the others would wait for ever.
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(1);
    }));
    let options = Options::parse();
    if let Some(file) = &options.peer {
        return peer::run(file);
    }
    let length = Duration::from_secs_f64(options.seconds);
    println!(
        "                                          acked/s  deliveries/s   CPU µs per message    ack p50/p99 ms"
    );
    println!(
        "                                                                  (of it the writer)  event p50/p99 ms"
    );
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.name.contains(&options.only)) {
        println!("{}", scenario.name);
        if scenario.members == 2 && !options.alone {
            let bare = store::measure(scenario.rooms, length);
            println!(
                "  {:<34} {:>12.0} {:>36.1}",
                "bare writer, groups of rows", bare.per_second, bare.cpu_each
            );
        }
        let kinds: &[Kind] = if options.alone { &[Kind::Souk] } else { &[Kind::Peer, Kind::Souk] };
        let measured: Vec<Measured> =
            kinds.iter().map(|kind| run(*kind, *scenario, &options, length)).collect();
        if let [peer, souk] = &measured[..] {
            println!(
                "  souk to by hand: {:.2} of the deliveries/s, {:.2} times the CPU\n",
                souk.deliveries_per_second() / peer.deliveries_per_second(),
                souk.cpu_each() / peer.cpu_each()
            );
        }
    }
}

fn run(kind: Kind, scenario: Scenario, options: &Options, length: Duration) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.db");
    let measured = tokio::task::LocalSet::new().block_on(&runtime, async {
        let rooms = match kind {
            Kind::Souk => people::settle(&file, scenario.rooms).await,
            Kind::Peer => people::nobody(scenario.rooms),
        };
        let server = Server::start(kind, &file, options);
        drive::measure(&server, &rooms, scenario, length).await
    });
    measured.print(kind.name());
    measured
}
