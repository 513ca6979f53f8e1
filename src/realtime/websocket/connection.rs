//! The state that the receiving half, the sending half and the handle of a WebSocket share.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::http::connection::TcpHandle;
use crate::hub::{Delivery, Outbox, OutboxLimits, Pushed};
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::{close_frame, pong_frame};
use crate::realtime::connection::ConnectionHandle;

use super::FrameLimits;

/// The limits of one WebSocket.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// What the client's frames may make the server keep in memory.
    pub frames: FrameLimits,
    /// What a client that does not read may make the server keep in memory.
    pub outbox: OutboxLimits,
    /// How long a closing connection waits for the client before its socket is shut down.
    pub close_timeout: Duration,
}

/// The shared state of one WebSocket. Lives on one thread.
pub(super) struct Connection {
    endpoint: Endpoint,
    outbox: Outbox,
    socket: Option<TcpHandle>,
    close_timeout: Duration,
    closing: Cell<bool>,
    close_reason: Cell<Option<CloseReason>>,
    /// Nothing more is read from the client: it closed, is disconnected, or broke the protocol.
    read_to_the_end: Cell<bool>,
    body: RefCell<Option<Waker>>,
    myself: Weak<Connection>,
}

impl Connection {
    pub(super) fn new(
        endpoint: Endpoint,
        outbox: Outbox,
        socket: Option<TcpHandle>,
        close_timeout: Duration,
    ) -> Rc<Self> {
        Rc::new_cyclic(|myself| Self {
            endpoint,
            outbox,
            socket,
            close_timeout,
            closing: Cell::new(false),
            close_reason: Cell::new(None),
            read_to_the_end: Cell::new(false),
            body: RefCell::new(None),
            myself: myself.clone(),
        })
    }

    /// Answers a ping. A client that pings without reading fills its own outbox, and is evicted like any
    /// other slow consumer.
    pub(super) fn pong(&self, payload: &[u8]) {
        match self.outbox.push(pong_frame(payload), Delivery::Durable) {
            Pushed::Overflow => self.close(CloseReason::SlowConsumer),
            Pushed::Queued | Pushed::Replaced | Pushed::Dropped | Pushed::Closed => {}
        }
    }

    /// The client closed. RFC 6455, section 5.5.1: the server echoes the client's code, and ends the TCP
    /// connection first.
    pub(super) fn closed_by_client(&self, code: Option<u16>) {
        self.say_goodbye(code.unwrap_or(1000));
        self.end_of_reading();
    }

    fn say_goodbye(&self, code: u16) {
        if !self.closing.replace(true) {
            self.outbox.finish(close_frame(code, ""));
            self.shut_after(self.close_timeout);
        }
    }

    /// Nothing more will be read from the client.
    pub(super) fn end_of_reading(&self) {
        self.read_to_the_end.set(true);
        if let Some(body) = self.body.borrow_mut().take() {
            body.wake();
        }
    }

    /// The client is disconnected: what waits for it is discarded.
    pub(super) fn disconnected(&self) {
        self.closing.set(true);
        self.outbox.close();
        self.end_of_reading();
    }

    pub(super) fn is_read_to_the_end(&self) -> bool {
        self.read_to_the_end.get()
    }

    /// Wakes the body when reading has ended.
    pub(super) fn wake_at_the_end(&self, waker: &Waker) {
        self.body.borrow_mut().replace(waker.clone());
    }

    pub(super) fn end_writing(&self) {
        if let Some(socket) = &self.socket {
            socket.end_writing();
        }
    }

    /// Shuts the socket down after the timeout. Runs as its own task because the body is not polled while the
    /// client does not read.
    fn shut_after(&self, timeout: Duration) {
        let connection = self.myself.clone();
        actix_web::rt::spawn(async move {
            actix_web::rt::time::sleep(timeout).await;
            if let Some(connection) = connection.upgrade() {
                connection.abort();
            }
        });
    }
}

impl ConnectionHandle for Connection {
    fn close(&self, reason: CloseReason) {
        if self.closing.replace(true) {
            return;
        }
        self.close_reason.set(Some(reason));
        let close = reason.on(self.endpoint);
        self.outbox.finish(close_frame(close.code, close.reason));
        self.shut_after(self.close_timeout);
    }

    fn end(&self) {
        self.say_goodbye(1000);
    }

    fn abort(&self) {
        if let Some(socket) = &self.socket {
            socket.shut();
        }
        self.disconnected();
    }

    fn is_closing(&self) -> bool {
        self.closing.get()
    }

    fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason.get()
    }
}
