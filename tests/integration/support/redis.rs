//! A temporary Redis server, on a socket in its own folder; it keeps nothing.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::engine::skip;
use super::scratch;

/// A running Redis, stopped on drop.
pub struct Redis {
    socket: PathBuf,
    child: Option<(Child, Child)>,
}

impl Redis {
    /// Starts one; `None` if Redis is not installed, which was reported.
    pub fn start() -> Option<Self> {
        let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            skip("Redis is not installed (no redis-server in the PATH)");
            return None;
        }
        let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut redis = Self { socket: folder.join("redis.sock"), child: None };
        redis.start_again();
        Some(redis)
    }

    /// Starts it after `stop`.
    pub fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&self.socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let watchdog = scratch::kill_afterwards(child.id());
        self.child = Some((child, watchdog));
        let began = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it.
    pub fn stop(&mut self) {
        let Some((mut child, mut watchdog)) = self.child.take() else { return };
        let _ = child.kill();
        let _ = child.wait();
        // Killed first: after this, the pid may belong to another process.
        let _ = watchdog.kill();
        let _ = watchdog.wait();
        let _ = std::fs::remove_file(&self.socket);
    }

    /// Sends it a signal: `STOP` makes it hang, `CONT` go on.
    pub fn signal(&self, name: &str) {
        let (child, _) = self.child.as_ref().expect("it runs");
        let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its `REDIS_URL`.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// What it answers to a command, as it is on the wire.
    pub fn command(&self, words: &[&str]) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(command.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
