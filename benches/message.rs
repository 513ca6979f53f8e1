//! The cost of an acknowledged chat message: a token's session, the right to write in the room, the row and its
//! event committed and synced, the answer to the sender, and the event at every member. And that of a signal, which is
//! not stored.
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
#[path = "shared/people.rs"]
mod people;
#[path = "shared/process.rs"]
mod process;
#[path = "message/rooms.rs"]
mod rooms;
#[path = "message/server.rs"]
mod server;
#[path = "message/store.rs"]
mod store;

use std::time::Duration;

use clap::Parser;

use drive::{Measured, Pace, Sent};
use server::Kind;

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
    /// Messages that other chats have already (SQLite)
    #[arg(long, default_value_t = 0)]
    rows: usize,
    /// A PostgreSQL database to use instead of fresh files
    #[arg(long)]
    database_url: Option<String>,
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
    what: Sent,
    pace: Pace,
}

impl Scenario {
    /// How many get what a sender sends.
    fn recipients(self) -> usize {
        match self.what {
            Sent::Message => self.members,
            Sent::Signal => self.members - 1,
        }
    }
}

/// One sender in each room, who waits for the `ack` before the next message.
const fn closed(name: &'static str, rooms: usize, members: usize) -> Scenario {
    Scenario { name, rooms, members, what: Sent::Message, pace: Pace::Closed }
}

/// The same with signals, of which each sender waits until one other member has it.
const fn signals(name: &'static str, rooms: usize, members: usize) -> Scenario {
    Scenario { what: Sent::Signal, ..closed(name, rooms, members) }
}

const SCENARIOS: [Scenario; 12] = [
    closed("1 client", 1, 2),
    closed("16 clients", 16, 2),
    closed("64 clients", 64, 2),
    closed("256 clients", 256, 2),
    closed("1 room of 1000", 1, 1_000),
    closed("100 rooms of 10", 100, 10),
    closed("1000 rooms of 2", 1_000, 2),
    Scenario { pace: Pace::Open(5_000), ..closed("100 rooms of 10 at 5000/s", 100, 10) },
    signals("signals, 1 room of 1000", 1, 1_000),
    signals("signals, 100 rooms of 10", 100, 10),
    signals("signals, 1000 rooms of 2", 1_000, 2),
    Scenario { pace: Pace::Open(5_000), ..signals("signals, 100 rooms of 10 at 5000/s", 100, 10) },
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
        if scenario.members == 2 && scenario.what == Sent::Message && !options.alone {
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
    let file = file.to_str().unwrap();
    let measured = tokio::task::LocalSet::new().block_on(&runtime, async {
        let (database, rooms) = match kind {
            Kind::Souk => {
                let database = options.database_url.as_deref().unwrap_or(file);
                let rooms = rooms::settle(database, scenario.rooms).await;
                if options.rows > 0 {
                    rooms::talk(file, scenario.rooms, options.rows);
                }
                (database, rooms)
            }
            Kind::Peer => (file, rooms::without_parties(scenario.rooms)),
        };
        let server = kind.start(database, options);
        drive::measure(&server, kind.writer(), &rooms, scenario, length).await
    });
    measured.print(kind.name());
    measured
}
