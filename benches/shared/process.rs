//! A server as a child process on one core, killed with this one; what it costs is taken from `/proc`.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Signs the tokens of what is measured.
pub(crate) const JWT_SECRET: &str = "6f1d0c5be2a94783b1a7c9d2e4f60811";

/// Limits that have tests of their own, raised so as not to interfere.
const FLAGS: &[&str] = &[
    "--workers=1",
    "--free-connections=1000000",
    "--connections-per-address=1000000",
    "--unauthenticated-per-address=1000000",
    "--anonymous-requests=1000000",
    "--free-requests=1000000000",
    "--free-messages=1000000",
    "--log-format=json",
    "--log-filter=warn,souk::server=info",
];

pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `souk serve` on this database.
    pub(crate) fn souk(program: &Path, core: usize, database: &str) -> Self {
        let mut command = on_core(core, program);
        command.args(["serve", "--bind=127.0.0.1:0", "--jwt-secret", JWT_SECRET, "--database-url", database]);
        command.args(FLAGS);
        Self::start(command)
    }

    /// Starts this program itself with these arguments: a baseline.
    pub(crate) fn baseline(core: usize, arguments: &[&str]) -> Self {
        let mut command = on_core(core, &std::env::current_exe().unwrap());
        command.args(arguments);
        Self::start(command)
    }

    /// Starts a server that logs its address as JSON.
    fn start(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it does not serve");
            let line: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            if let Some(address) = line.and_then(|line| line["address"].as_str()?.parse().ok()) {
                break address;
            }
        };
        // Drained, so that a full pipe never blocks the server.
        std::thread::spawn(move || log.bytes().count());
        Self { process, address }
    }

    /// CPU time of all its threads so far, also of those that have ended, to 10 ms (`man 5 proc_pid_stat`).
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        let ticks = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// CPU time of its threads of this name.
    pub(crate) fn cpu_of(&self, thread: &str) -> Duration {
        thread_cpu(self.process.id(), thread)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// As a baseline, says where it serves.
pub(crate) fn announce(address: SocketAddr) {
    eprintln!("{}", serde_json::json!({ "address": address.to_string() }));
}

fn on_core(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// CPU time of the process's threads of this name.
pub(crate) fn thread_cpu(process: u32, name: &str) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("needs Linux's /proc");
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse::<u64>().ok().filter(|_| comm.trim() == name)
    });
    Duration::from_nanos(nanoseconds.sum())
}
