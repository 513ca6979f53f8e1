//! The cost of fan-out: deliveries per second and server CPU per million of them, for one room of 1000
//! members and for 100 rooms of 10, beside a baseline in the same run that only writes the same prebuilt
//! frames to the same kind of sockets, one write per frame.
//!
//! `cargo bench --bench fan_out [-- --messages 200 --rate 100000]`. The members are sockets in a child
//! process, so that only the server is measured: HTTP server, transport and hub, without a database. "Paced"
//! spreads the messages so that each leaves in a write of its own to a reader that must be woken, which is
//! the expensive case; "flat out" sends them as fast as they are accepted, so that the hub's frames share
//! writes. Machines are noisy: only ratios within one run, paced to paced and flat out to flat out, are
//! meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

#[path = "fan_out/baseline.rs"]
mod baseline;
#[path = "fan_out/members.rs"]
mod members;
#[path = "fan_out/server.rs"]
mod server;

use std::time::{Duration, Instant};

use clap::Parser;

#[derive(Parser, Clone)]
struct Options {
    /// Messages that each member gets in each measurement
    #[arg(long, default_value_t = 200)]
    messages: u64,
    /// Deliveries a second in the paced measurement
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Worker threads of the server
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The child: connects to this address
    #[arg(long, hide = true, requires = "rooms")]
    members_of: Option<std::net::SocketAddr>,
    /// The child: this many rooms
    #[arg(long, hide = true)]
    rooms: Option<usize>,
    /// The child: this many members in each
    #[arg(long, hide = true, default_value_t = 1)]
    members: usize,
}

/// The number of rooms, and of members in each.
#[derive(Clone, Copy)]
struct Scenario {
    rooms: usize,
    members: usize,
}

impl Scenario {
    fn connections(self) -> usize {
        self.rooms * self.members
    }

    /// A market room: its members get no presence notices, which are not measured here.
    fn room(number: usize) -> souk::ids::Room {
        format!("market:room-{number:04}").parse().unwrap()
    }
}

/// How fast messages are sent.
#[derive(Clone, Copy)]
enum Pace {
    /// One message to every room in this interval.
    Each(Duration),
    FlatOut,
}

impl Pace {
    fn both(options: &Options, scenario: Scenario) -> [Self; 2] {
        [
            Self::Each(Duration::from_secs_f64(scenario.connections() as f64 / options.rate as f64)),
            Self::FlatOut,
        ]
    }

    /// How long to sleep after this many messages to keep the pace; `None` below the timer's useful
    /// resolution.
    fn rest(self, began: Instant, messages: usize, scenario: Scenario) -> Option<Duration> {
        let Self::Each(time) = self else { return None };
        let due = time.mul_f64(messages as f64 / scenario.rooms as f64);
        due.checked_sub(began.elapsed()).filter(|rest| *rest > Duration::from_millis(1))
    }
}

/// Result of one measurement.
struct Measured {
    deliveries: u64,
    elapsed: Duration,
    cpu: Duration,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    /// Seconds of CPU per million deliveries, that is microseconds per delivery.
    fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    fn print(&self, name: &str, baseline: Option<&Measured>) {
        let ratio = baseline.map(|baseline| self.cpu_per_million() / baseline.cpu_per_million());
        let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        println!("  {name:<22} {:>12.0} {:>18.2} {ratio:>12}", self.per_second(), self.cpu_per_million());
    }
}

/// CPU time of this process so far, over all threads.
fn cpu() -> Duration {
    // Nanoseconds per thread, where the kernel provides them: the process's own counter ticks in hundredths
    // of a second.
    let tasks = std::fs::read_dir("/proc/self/task").expect("needs Linux's /proc");
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn main() {
    let options = Options::parse();
    if let (Some(address), Some(rooms)) = (options.members_of, options.rooms) {
        return members::run(address, Scenario { rooms, members: options.members });
    }
    println!("                          deliveries/s   CPU s per million   of baseline");
    for scenario in [Scenario { rooms: 1, members: 1_000 }, Scenario { rooms: 100, members: 10 }] {
        println!("{} room(s) of {} members, 128-byte messages", scenario.rooms, scenario.members);
        let bare = baseline::measure(&options, scenario);
        let hub = server::measure(&options, scenario);
        for ((name, bare), hub) in ["paced", "flat out"].into_iter().zip(bare).zip(hub) {
            bare.print(&format!("bare writes, {name}"), None);
            hub.print(&format!("hub, {name}"), Some(&bare));
        }
    }
}
