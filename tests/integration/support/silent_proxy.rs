//! A proxy in front of PostgreSQL or Redis that can fall silent, as a network that drops every packet does, or worse: what is
//! sent to it is acknowledged and goes nowhere.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::postgres::Server;
use super::scratch;

/// A proxying socket, for the lifetime of the test process.
pub struct SilentProxy {
    folder: PathBuf,
    /// Odd while it is silent. A connection that was made under another number never says anything again.
    period: Arc<AtomicU64>,
}

/// The socket's file name that libpq expects.
const SOCKET: &str = ".s.PGSQL.5432";

impl SilentProxy {
    /// In front of this server.
    pub fn before(server: &Server) -> Self {
        Self::before_socket(server.folder().join(SOCKET))
    }

    /// In front of whoever listens on this socket.
    pub fn before_socket(server: PathBuf) -> Self {
        let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::create_dir(&folder).unwrap();
        let proxy = Self { folder, period: Arc::default() };
        let listener = UnixListener::bind(proxy.folder.join(SOCKET)).unwrap();
        let period = proxy.period.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let made = period.load(Ordering::SeqCst);
                let Ok(server) = UnixStream::connect(&server) else { continue };
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                for (from, to) in [(client, server), (from_server, to_client)] {
                    let period = period.clone();
                    std::thread::spawn(move || {
                        pass(from, to, || made % 2 == 1 || period.load(Ordering::SeqCst) != made);
                    });
                }
            }
        });
        proxy
    }

    /// Folder of the proxy's socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The proxy's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }

    /// From now on nothing gets through, and connections are accepted all the same.
    pub fn fall_silent(&self) {
        assert!(self.period.fetch_add(1, Ordering::SeqCst).is_multiple_of(2), "it is silent already");
    }

    /// New connections get through again; those of before stay open and silent.
    pub fn speak_again(&self) {
        assert!(!self.period.fetch_add(1, Ordering::SeqCst).is_multiple_of(2), "it speaks already");
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, is_silent: impl Fn() -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        while is_silent() {
            // Both sockets stay open, until the test process ends.
            std::thread::park();
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !is_silent() {
        let _ = from.shutdown(std::net::Shutdown::Both);
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}
