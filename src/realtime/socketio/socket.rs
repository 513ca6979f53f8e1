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

/// Packets that may wait for a socket that is busy with one; the connection's reader waits then.
const WAITING: usize = 2;

/// What a socket hears.
#[derive(Debug)]
pub enum SocketEvent {
    /// An event or an answer.
    Packet(Packet),
    /// A sign of life.
    Alive,
}

/// A client's place in a namespace.
pub struct Socket {
    events: mpsc::Receiver<SocketEvent>,
    ended: bool,
    /// The connection's outbox.
    pub outbox: Outbox,
    /// To leave the namespace by.
    pub handle: Rc<dyn ConnectionHandle>,
}

/// The sockets of one connection, by the names of their namespaces.
#[derive(Clone, Default)]
pub(super) struct Sockets(Rc<RefCell<HashMap<String, SocketEntry>>>);

struct SocketEntry {
    /// Of a socket that left and came again there may be two; each ends its own.
    number: u32,
    events: mpsc::Sender<SocketEvent>,
}

impl Sockets {
    /// A socket for a namespace; counts once it is seated.
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

    /// Ends the namespace's socket: it hears no more.
    pub(super) fn leave(&self, namespace: &str) {
        self.0.borrow_mut().remove(namespace);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Whether there is no other socket than this, which may have left already.
    fn is_last(&self, number: u32) -> bool {
        self.0.borrow().values().all(|entry| entry.number == number)
    }

    /// A sign of life of the connection is one of each socket. One that is busy hears it in what waits for it.
    pub(super) fn alive(&self) {
        for entry in self.0.borrow().values() {
            let _ = entry.events.try_send(SocketEvent::Alive);
        }
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Takes a socket's own seat away, if it still has it.
    fn remove(&self, number: u32) {
        self.0.borrow_mut().retain(|_, entry| entry.number != number);
    }
}

/// As sessions take it: events without the namespace's name; a client's answers are but signs of life.
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
    /// The next thing it hears; nothing when it has left.
    pub async fn receive(&mut self) -> Option<SocketEvent> {
        self.events.recv().await
    }
}

/// A socket's hold on its namespace, and for what concerns the whole connection, on that.
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
    /// Clients' libraries come back by themselves after a broken connection, and do not after a DISCONNECT: so whoever
    /// should come back loses the connection, and whoever should not is put out of the namespace. A session that takes
    /// the connection with it lasts as long as that, so that a server which stops waits for its last words.
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
