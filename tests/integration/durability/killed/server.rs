//! A server that is killed repeatedly and restarted at the same address.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{Client, Database, Process};

/// Limits that have tests of their own, raised so as not to interfere.
const FLAGS: &[&str] = &[
    "--free-messages=100000",
    // On PostgreSQL those of a killed server count for ten seconds.
    "--free-connections=1000",
    "--free-requests=1000000",
    "--anonymous-requests=1000000",
    "--log-filter=warn,souk::server=info",
];

/// A running server, to be killed.
pub(super) struct KilledServer {
    process: Process,
    url: String,
    random: StdRng,
    kills: u64,
}

/// The thread that kills and restarts the server.
pub(super) struct Mortality {
    thread: JoinHandle<Process>,
    pulse: Pulse,
}

/// State shared by the killer and the clients.
#[derive(Clone, Default)]
pub(super) struct Pulse(Arc<Shared>);

#[derive(Default)]
struct Shared {
    answers: AtomicU64,
    over: AtomicBool,
}

impl Pulse {
    /// Reports a response: the server is working, and may be killed.
    pub(super) fn answered(&self) {
        self.0.answers.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether the last kill is over.
    pub(super) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::SeqCst)
    }

    fn wait_for_answers(&self, count: u64) {
        let until = self.0.answers.load(Ordering::SeqCst) + count;
        while self.0.answers.load(Ordering::SeqCst) < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl KilledServer {
    pub(super) fn start(database: &Database, seed: u64, kills: u64) -> Self {
        let url = database.url();
        let process = Process::start("127.0.0.1:0", &url, FLAGS);
        Self { process, url, random: StdRng::seed_from_u64(seed), kills }
    }

    pub(super) fn anyone(&self) -> Client {
        self.process.client(None)
    }

    /// Starts killing the server at random moments, each time after it has answered again.
    pub(super) fn begin(self) -> Mortality {
        let pulse = Pulse::default();
        let felt = pulse.clone();
        let thread = std::thread::spawn(move || {
            let Self { mut process, url, mut random, kills } = self;
            let address = process.address.to_string();
            for _ in 0..kills {
                felt.wait_for_answers(random.random_range(1..20));
                std::thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
                process.kill();
                process = Process::start(&address, &url, FLAGS);
            }
            felt.wait_for_answers(10);
            felt.0.over.store(true, Ordering::SeqCst);
            process
        });
        Mortality { thread, pulse }
    }
}

impl Mortality {
    pub(super) fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// The server that was started last.
    pub(super) fn survivor(self) -> Process {
        self.thread.join().unwrap()
    }
}
