//! The servers, each a child process on one core that is killed with this one.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Options;
use super::people::JWT_SECRET;

/// Limits that have tests of their own, raised so as not to interfere.
const FLAGS: &[&str] = &[
    "--workers=1",
    "--free-connections=1000000",
    "--connections-per-address=1000000",
    "--unauthenticated-per-address=1000000",
    "--anonymous-requests=1000000",
    "--free-messages=1000000",
    "--log-format=json",
    "--log-filter=warn,souk::server=info",
];

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The minimal one.
    Peer,
    Souk,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peer => "by hand, without rights",
            Self::Souk => "souk",
        }
    }

    /// The name of the thread that writes.
    fn writer(self) -> &'static str {
        match self {
            Self::Peer => "writer",
            Self::Souk => "souk-writer",
        }
    }
}

pub(crate) struct Server {
    kind: Kind,
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(kind: Kind, file: &Path, options: &Options) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", &options.core.to_string()]);
        match kind {
            Kind::Peer => command.arg(std::env::current_exe().unwrap()).arg("--peer").arg(file),
            Kind::Souk => command
                .arg(&options.souk)
                .args(["serve", "--bind=127.0.0.1:0", "--jwt-secret", JWT_SECRET, "--database-url"])
                .arg(file)
                .args(FLAGS),
        };
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
        Self { kind, process, address }
    }

    /// CPU time of all its threads so far.
    pub(crate) fn cpu(&self) -> Duration {
        thread_cpu(self.process.id(), "")
    }

    /// CPU time of the thread that writes.
    pub(crate) fn writer_cpu(&self) -> Duration {
        thread_cpu(self.process.id(), self.kind.writer())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU time of the process's threads of this name, or of all if it is empty.
pub(crate) fn thread_cpu(process: u32, name: &str) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("needs Linux's /proc");
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let is_meant = name.is_empty() || comm.trim() == name;
        statistics.split(' ').next()?.parse::<u64>().ok().filter(|_| is_meant)
    });
    Duration::from_nanos(nanoseconds.sum())
}
