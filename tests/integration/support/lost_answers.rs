//! A door to PostgreSQL that can lose an answer: what it brings about is done, and nobody hears of it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::postgres::Server;
use super::scratch;

/// A socket that leads to a server, for as long as the test process lives.
pub struct LostAnswers {
    folder: PathBuf,
    server: PathBuf,
    loses_next_commit: Arc<AtomicBool>,
}

/// What libpq names its socket in a folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// A simple query (`Q`, its length, the text and a zero byte) as the writer ends its transactions.
const COMMIT: &[u8] = b"COMMIT\0";

impl LostAnswers {
    pub fn before(server: &Server) -> Self {
        let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::create_dir(&folder).unwrap();
        let door = Self { folder, server: server.folder().join(SOCKET), loses_next_commit: Arc::default() };
        let listener = UnixListener::bind(door.folder.join(SOCKET)).unwrap();
        let (server, loses) = (door.server.clone(), door.loses_next_commit.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = UnixStream::connect(&server).unwrap();
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (loses, loses_answers) = (loses.clone(), Arc::new(AtomicBool::new(false)));
                let cut = loses_answers.clone();
                std::thread::spawn(move || pass(from_server, to_client, |_| cut.load(Ordering::SeqCst)));
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

    /// The folder that the server's socket seems to be in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The next transaction that commits breaks its connection instead of being answered.
    pub fn lose_next_commit(&self) {
        self.loses_next_commit.store(true, Ordering::SeqCst);
    }
}

/// Passes on what is read; ends both connections where there is no more, or where `is_lost` says so of what came.
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
