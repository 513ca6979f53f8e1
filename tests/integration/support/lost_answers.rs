//! A proxy in front of PostgreSQL that can drop the response to a `COMMIT`: the transaction is committed, and
//! the client does not learn it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::postgres::Server;
use super::scratch;

/// A proxying socket, for the lifetime of the test process.
pub struct LostAnswers {
    folder: PathBuf,
    server: PathBuf,
    loses_next_commit: Arc<AtomicBool>,
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
            loses_next_commit: Arc::default(),
            is_silent: Arc::default(),
        };
        let listener = UnixListener::bind(door.folder.join(SOCKET)).unwrap();
        let (server, loses) = (door.server.clone(), door.loses_next_commit.clone());
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
                    pass(client, server, |query| {
                        let is_lost = query.ends_with(COMMIT) && loses.swap(false, Ordering::SeqCst);
                        loses_answers.fetch_or(is_lost, Ordering::SeqCst);
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

    /// The next `COMMIT` breaks its connection instead of being answered.
    pub fn lose_next_commit(&self) {
        self.loses_next_commit.store(true, Ordering::SeqCst);
    }
}

/// Copies bytes; shuts down both connections at the end of the stream, or when `is_lost` says so of what was
/// read.
fn pass(mut from: UnixStream, mut to: UnixStream, is_lost: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if is_lost(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
