//! One namespace of one connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::hub::{Delivery, Outbox};
use crate::protocol::close::{CloseReason, Reconnect};
use crate::protocol::socketio::{Kind, Packet, without_namespace};
use crate::realtime::connection::{ConnectionHandle, Inbound};

/// Packets that may wait for a busy socket; beyond that the connection is not read.
const WAITING: usize = 2;

/// What a socket receives.
#[derive(Debug)]
pub enum SocketEvent {
    /// An event or an acknowledgement. Boxed, because a channel makes room for 32 of them at once.
    Packet(Box<Packet>),
    /// A sign that the client is alive.
    Alive,
}

/// A client's connection to a namespace.
pub struct Socket {
    events: mpsc::Receiver<SocketEvent>,
    ended: bool,
    /// The connection's outbox, on this socket's channel.
    pub outbox: Outbox,
    /// Leaves the namespace.
    pub(crate) handle: Rc<dyn ConnectionHandle>,
}

/// The sockets of one connection, by the names of their namespaces.
#[derive(Clone, Default)]
pub(super) struct Sockets(Rc<RefCell<HashMap<String, SocketEntry>>>);

struct SocketEntry {
    /// Distinguishes a socket from a later one of the same namespace: each may remove only its own entry.
    number: u32,
    events: mpsc::Sender<SocketEvent>,
}

impl Sockets {
    /// Creates a socket for a namespace; it receives packets once it has been inserted.
    pub(super) fn socket(
        &self,
        namespace: &str,
        number: u32,
        outbox: &Outbox,
        connection: &Rc<dyn ConnectionHandle>,
    ) -> (Socket, mpsc::Sender<SocketEvent>) {
        let (sender, events) = mpsc::channel(WAITING);
        let handle = NamespaceHandle {
            namespace: namespace.to_owned(),
            number,
            sockets: self.clone(),
            outbox: outbox.clone(),
            connection: connection.clone(),
            closing: Cell::new(false),
            close_reason: Cell::new(None),
        };
        (Socket { events, ended: false, outbox: outbox.clone(), handle: Rc::new(handle) }, sender)
    }

    pub(super) fn insert(&self, namespace: String, number: u32, events: mpsc::Sender<SocketEvent>) {
        self.0.borrow_mut().insert(namespace, SocketEntry { number, events });
    }

    pub(super) fn of(&self, namespace: &str) -> Option<mpsc::Sender<SocketEvent>> {
        self.0.borrow().get(namespace).map(|entry| entry.events.clone())
    }

    /// Removes the namespace's socket, which then receives nothing more.
    pub(super) fn leave(&self, namespace: &str) {
        self.0.borrow_mut().remove(namespace);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Whether there is no other socket than this one, which may have been removed already.
    fn is_last(&self, number: u32) -> bool {
        self.0.borrow().values().all(|entry| entry.number == number)
    }

    /// Passes a sign of life of the connection to every socket. A socket whose queue is full will take that
    /// as one.
    pub(super) fn alive(&self) {
        for entry in self.0.borrow().values() {
            let _ = entry.events.try_send(SocketEvent::Alive);
        }
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Removes the socket's own entry, if it still is the namespace's.
    fn remove(&self, number: u32) {
        self.0.borrow_mut().retain(|_, entry| entry.number != number);
    }
}

/// The socket as a session reads it: events without the namespace's name; acknowledgements of the client only
/// count as signs of life.
impl Stream for Socket {
    type Item = Inbound;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.events.poll_recv(context).map(|events| {
            Some(match events {
                Some(SocketEvent::Packet(packet)) if packet.kind == Kind::Event => {
                    Inbound::Text(without_namespace(&packet))
                }
                Some(SocketEvent::Packet(_) | SocketEvent::Alive) => Inbound::Alive,
                None => {
                    self.ended = true;
                    Inbound::Gone
                }
            })
        })
    }
}

impl Socket {
    /// The next event; `None` once the socket has left.
    pub async fn receive(&mut self) -> Option<SocketEvent> {
        self.events.recv().await
    }
}

/// Ends a socket's namespace, and where the reason concerns the whole connection, the connection.
struct NamespaceHandle {
    namespace: String,
    number: u32,
    sockets: Sockets,
    outbox: Outbox,
    connection: Rc<dyn ConnectionHandle>,
    closing: Cell<bool>,
    close_reason: Cell<Option<CloseReason>>,
}

impl NamespaceHandle {
    fn leave(&self) {
        self.sockets.remove(self.number);
    }
}

impl ConnectionHandle for NamespaceHandle {
    /// Client libraries reconnect by themselves after a broken connection, but not after a DISCONNECT. So a
    /// client that should reconnect loses the whole connection, and one that should not is only disconnected
    /// from the namespace. The last session of a connection closes the connection with it and lasts as long,
    /// so that a server that shuts down, which waits for sessions, also waits for the last frames.
    fn close(&self, reason: CloseReason) {
        if self.closing.replace(true) {
            return;
        }
        self.close_reason.set(Some(reason));
        if matches!(reason.reconnect(), Reconnect::Now | Reconnect::Later) {
            return self.connection.close(reason);
        }
        let disconnect = Packet {
            kind: Kind::Disconnect,
            namespace: self.namespace.clone(),
            id: None,
            data: String::new(),
            attachments: Vec::new(),
        };
        let _ = self.outbox.push(disconnect.frames(), Delivery::Durable);
        if self.sockets.is_last(self.number) {
            self.connection.close(reason);
        } else {
            self.leave();
        }
    }

    fn end(&self) {
        self.closing.set(true);
        self.leave();
    }

    fn abort(&self) {
        self.closing.set(true);
        self.leave();
        self.connection.abort();
    }

    fn is_closing(&self) -> bool {
        self.closing.get() || self.connection.is_closing()
    }

    fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason.get().or_else(|| self.connection.close_reason())
    }
}
