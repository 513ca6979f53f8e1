//! The `souk` binary as a child process, which tests can kill.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Client;
use super::app::{JWT_SECRET, journal_key};
use super::scratch::kill_afterwards;

/// A running `souk serve`. Killed on drop; a watchdog kills it if this process dies first.
pub struct Process {
    child: Child,
    watchdog: Child,
    log: Receiver<String>,
    /// The address it listens on.
    pub address: SocketAddr,
    /// Its log lines before it listened.
    pub first_lines: Vec<String>,
}

impl Process {
    /// Starts it on `bind` (port 0 for a free one) and waits until it listens.
    pub fn start(bind: &str, database_url: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        Self::spawn(&mut command, bind, database_url, &[journal_key(flags), flags].concat())
    }

    /// Like `start`, with the journal key that development keeps beside the database.
    pub fn start_with_kept_key(bind: &str, database_url: &str, flags: &[&str]) -> Self {
        Self::spawn(&mut Command::new(env!("CARGO_BIN_EXE_souk")), bind, database_url, flags)
    }

    /// Like `start`, from a shell that has run `preparation` first.
    pub fn start_after(preparation: &str, bind: &str, database_url: &str, flags: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("{preparation}; exec \"$@\"");
        shell.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_souk")]);
        Self::spawn(&mut shell, bind, database_url, &[journal_key(flags), flags].concat())
    }

    /// Like `start`, with this limit of open files.
    pub fn start_with_files(files: u32, bind: &str, database_url: &str, flags: &[&str]) -> Self {
        Self::start_after(&format!("ulimit -n {files}"), bind, database_url, flags)
    }

    fn spawn(command: &mut Command, bind: &str, database_url: &str, flags: &[&str]) -> Self {
        // Each of its clients in this process is an open file, too.
        souk::server::allow_many_files().unwrap();
        let mut child = command
            .args(["serve", "--bind", bind, "--jwt-secret", JWT_SECRET])
            .args(if flags.contains(&"--workers") { None } else { Some("--workers=2") })
            .args(["--database-url", database_url, "--log-format=json"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watchdog = kill_afterwards(child.id());
        let output = listen_to(&mut child);
        let mut lines = Vec::new();
        let address = loop {
            let Ok(line) = output.recv_timeout(Duration::from_secs(30)) else {
                panic!("souk does not listen:\n{}", lines.join("\n"));
            };
            let address = serde_json::from_str::<Value>(&line)
                .ok()
                .and_then(|line| line["address"].as_str()?.parse::<SocketAddr>().ok());
            match address {
                Some(address) => break address,
                None => lines.push(line),
            }
        };
        Self { child, watchdog, log: output, address, first_lines: lines }
    }

    /// Its log lines since the last call (or since it listened), as JSON.
    pub fn logged(&self) -> Vec<Value> {
        self.log.try_iter().filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }

    /// A client with or without a token.
    pub fn client(&self, token: Option<&str>) -> Client {
        Client::new(self.address, token.map(str::to_owned))
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `STOP` makes it hang, `CONT` go on.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    /// Stops it with SIGTERM; returns its exit status.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Stops it with SIGTERM; returns all its log lines since it listened.
    pub fn terminate_and_tell(mut self) -> Vec<String> {
        self.signal("TERM");
        self.child.wait().unwrap();
        self.log.iter().collect()
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        // Killed first: after this, the pid may belong to another process.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// Standard error of a `souk` command that must fail.
pub fn refused(arguments: &[&str]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if began.elapsed() < Duration::from_secs(20) => {
                std::thread::sleep(Duration::from_millis(10))
            }
            None => {
                child.kill().unwrap();
                panic!(
                    "{arguments:?} goes on: {}",
                    String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr)
                );
            }
        }
    };
    let output = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(!status.success(), "{arguments:?} succeeded: {output}");
    output
}

/// Its log, line by line. A thread keeps reading while it runs, so that a full pipe never blocks it.
fn listen_to(child: &mut Child) -> Receiver<String> {
    let log = BufReader::new(child.stderr.take().unwrap());
    let (sender, output) = sync_channel(64 * 1024);
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            // The buffer is full or the receiver gone: the line is not needed.
            let _ = sender.try_send(line);
        }
    });
    output
}
