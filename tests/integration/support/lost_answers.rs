//! A proxy in front of PostgreSQL that can drop the response to a `COMMIT`: the transaction is committed, and
//! the client does not learn it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::postgres::Server;
use super::scratch;

/// A proxying socket, for the lifetime of the test process.
pub struct LostAnswers {
    folder: PathBuf,
    server: PathBuf,
    /// A value of the transaction whose `COMMIT` is not answered.
    loses: Arc<Mutex<Option<&'static str>>>,
    is_silent: Arc<AtomicBool>,
}

/// The socket's file name that libpq expects.
const SOCKET: &str = ".s.PGSQL.5432";

/// The end of a simple query message (`Q`, length, text, zero byte) with which the writer commits.
const COMMIT: &[u8] = b"COMMIT\0";

impl LostAnswers {
    pub fn before(server: &Server) -> Self {
        let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::create_dir(&folder).unwrap();
        let door = Self {
            folder,
            server: server.folder().join(SOCKET),
            loses: Arc::default(),
            is_silent: Arc::default(),
        };
        let listener = UnixListener::bind(door.folder.join(SOCKET)).unwrap();
        let (server, loses) = (door.server.clone(), door.loses.clone());
        let silent = door.is_silent.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = UnixStream::connect(&server).unwrap();
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (loses, loses_answers) = (loses.clone(), Arc::new(AtomicBool::new(false)));
                let cut = loses_answers.clone();
                let is_silent = silent.clone();
                std::thread::spawn(move || {
                    pass(from_server, to_client, |_| {
                        // Answers stay where they are; nobody is told that they will not come.
                        while is_silent.load(Ordering::SeqCst) {
                            std::thread::sleep(Duration::from_millis(10));
                        }
                        cut.load(Ordering::SeqCst)
                    })
                });
                std::thread::spawn(move || {
                    let mut has_it = false;
                    pass(client, server, |query| {
                        let mut wanted = loses.lock().unwrap();
                        has_it |= wanted.is_some_and(|value| contains(query, value.as_bytes()));
                        if has_it && query.ends_with(COMMIT) {
                            *wanted = None;
                            loses_answers.store(true, Ordering::SeqCst);
                        }
                        false
                    })
                });
            }
        });
        door
    }

    /// Folder of the proxy's socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From now on no answer of the server arrives, on connections that stay open.
    pub fn fall_silent(&self) {
        self.is_silent.store(true, Ordering::SeqCst);
    }

    /// Answers arrive again.
    pub fn speak(&self) {
        self.is_silent.store(false, Ordering::SeqCst);
    }

    /// The `COMMIT` of the next transaction that sends this value breaks its connection instead of being
    /// answered.
    pub fn lose_commit_with(&self, value: &'static str) {
        *self.loses.lock().unwrap() = Some(value);
    }
}

fn contains(bytes: &[u8], value: &[u8]) -> bool {
    bytes.windows(value.len()).any(|part| part == value)
}

/// Copies bytes; shuts down both connections at the end of the stream, or when `is_lost` says so of what was
/// read.
fn pass(mut from: UnixStream, mut to: UnixStream, mut is_lost: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if is_lost(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
