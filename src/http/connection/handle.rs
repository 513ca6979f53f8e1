//! A hold on a connection that the web server reads and writes.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::rc::Rc;

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::time::Instant;

use super::phase::{Progress, Timeouts};

/// What the web server's end and the handles of one connection share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Until the web server is done with it: handles that live longer hold no descriptor.
    pub(super) tcp: RefCell<Option<TcpStream>>,
    pub(super) progress: Progress,
    /// The answer ends where the connection's writing does.
    pub(super) ends_with_answer: Cell<bool>,
}

/// A hold on a connection: to end it, whatever the web server waits for, and to tell how far its request has come. Stays
/// on the connection's thread.
#[derive(Debug, Clone)]
pub struct TcpHandle(pub(super) Rc<Shared>);

impl TcpHandle {
    pub(super) fn new(tcp: TcpStream, timeouts: Rc<Timeouts>) -> Self {
        Self(Rc::new(Shared {
            tcp: RefCell::new(Some(tcp)),
            progress: Progress::new(timeouts, Instant::now()),
            ends_with_answer: Cell::new(false),
        }))
    }

    /// Nothing more will be written: the peer reads what is on its way, then the end.
    pub fn end_writing(&self) {
        self.shutdown(Shutdown::Write);
    }

    /// Ends the connection now.
    pub fn shut(&self) {
        self.shutdown(Shutdown::Both);
    }

    fn shutdown(&self, how: Shutdown) {
        if let Some(tcp) = &*self.0.tcp.borrow() {
            // An error means that the connection is gone already.
            let _ = SockRef::from(tcp).shutdown(how);
        }
    }

    /// Whether the peer has ended its half, as far as it is known here: also where the web server has not read so far.
    pub fn is_left(&self) -> bool {
        let tcp = self.0.tcp.borrow();
        let Some(tcp) = &*tcp else { return true };
        match SockRef::from(tcp).peek(&mut [MaybeUninit::uninit()]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Lifts the bounds of requests and answers: a live session has its own.
    pub fn become_session(&self) {
        self.0.progress.session_began();
    }

    /// Whether it did.
    pub(super) fn is_session(&self) -> bool {
        self.0.progress.is_session()
    }

    /// The request's body has been read to its end.
    pub fn body_ended(&self) {
        self.0.progress.body_ended();
    }
}
