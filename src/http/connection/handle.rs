//! A handle to a connection that actix-web reads and writes.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::rc::Rc;
use std::task::Waker;

use actix_web::rt::net::TcpStream;
use futures_util::future::LocalBoxFuture;
use socket2::SockRef;
use tokio::time::Instant;

use super::permits::ConnectionPermit;
use super::phase::{Progress, Timeouts};

/// Writes what a session sends, until it or its client ends.
pub(super) type Session = LocalBoxFuture<'static, io::Result<()>>;

/// The state shared by actix-web's stream and the handles of one connection.
pub(super) struct Shared {
    /// `None` once actix-web has dropped the stream: handles that live longer keep no descriptor open.
    pub(super) tcp: RefCell<Option<TcpStream>>,
    pub(super) progress: Progress,
    /// Given back with the descriptor.
    permit: RefCell<Option<ConnectionPermit>>,
    is_surplus: bool,
    /// The response ends when the connection's write half is closed.
    pub(super) ends_with_answer: Cell<bool>,
    /// Who reads an upgraded connection, while there is nothing to read.
    reader: RefCell<Option<Waker>>,
    /// What goes on once HTTP is done with the connection.
    session: RefCell<Option<Session>>,
}

impl Shared {
    /// Has the connection's end wake this reader.
    pub(super) fn await_end(&self, reader: &Waker) {
        self.reader.replace(Some(reader.clone()));
    }

    /// Closes the connection.
    pub(super) fn end(&self) {
        drop((self.tcp.take(), self.permit.take()));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// A handle to a connection: closes it regardless of what actix-web waits for, and reports the progress of
/// its request. Not `Send`: it stays on the connection's thread.
#[derive(Clone)]
pub(crate) struct TcpHandle(pub(super) Rc<Shared>);

impl TcpHandle {
    pub(super) fn new(tcp: TcpStream, timeouts: Rc<Timeouts>, permit: ConnectionPermit) -> Self {
        Self(Rc::new(Shared {
            is_surplus: permit.is_surplus(),
            permit: RefCell::new(Some(permit)),
            tcp: RefCell::new(Some(tcp)),
            progress: Progress::new(timeouts, Instant::now()),
            ends_with_answer: Cell::new(false),
            reader: RefCell::default(),
            session: RefCell::default(),
        }))
    }

    /// Whether it is one of more connections than there may be: all that it gets is an answer.
    pub(crate) fn is_surplus(&self) -> bool {
        self.0.is_surplus
    }

    /// Has the session go on once HTTP is done with the connection, whose last act this must be.
    pub(super) fn hand_over(&self, session: Session) {
        self.0.session.replace(Some(session));
    }

    /// The session that goes on, if the connection was upgraded.
    pub(super) fn take_session(&self) -> Option<Session> {
        self.0.session.take()
    }

    /// Closes the write half: the peer reads what was sent, then end of file.
    pub(crate) fn end_writing(&self) {
        self.shutdown(Shutdown::Write);
    }

    /// Closes the connection now.
    pub(crate) fn shut(&self) {
        self.shutdown(Shutdown::Both);
    }

    fn shutdown(&self, how: Shutdown) {
        if let Some(tcp) = &*self.0.tcp.borrow() {
            // An error means that the connection is closed already.
            let _ = SockRef::from(tcp).shutdown(how);
        }
    }

    /// Whether the peer has closed its write half, even if actix-web has not read that far.
    pub(crate) fn is_left(&self) -> bool {
        let tcp = self.0.tcp.borrow();
        let Some(tcp) = &*tcp else { return true };
        match SockRef::from(tcp).peek(&mut [MaybeUninit::uninit()]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Lifts the timeouts of requests and responses: a live session has its own.
    pub(crate) fn become_session(&self) {
        self.0.progress.session_began();
    }

    /// Whether the connection belongs to a live session.
    pub(super) fn is_session(&self) -> bool {
        self.0.progress.is_session()
    }

    /// Marks the request's body as read to its end.
    pub(crate) fn body_ended(&self) {
        self.0.progress.body_ended();
    }
}
