//! One namespace of one connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::realtime::close::{CloseReason, Reconnect};
use crate::realtime::hub::{Delivery, Outbox};
use crate::realtime::protocol::socketio::{Kind, Packet, without_namespace};
use crate::realtime::transport::{Inbound, Wire};

/// Packets that may wait for a socket that is busy with one; the connection's reader waits then.
const WAITING: usize = 2;

/// What a socket hears.
#[derive(Debug)]
pub enum Heard {
    /// An event or an answer.
    Packet(Packet),
    /// A sign of life.
    Alive,
}

/// A client's place in a namespace.
pub struct Socket {
    heard: mpsc::Receiver<Heard>,
    ended: bool,
    /// The connection's outbox.
    pub outbox: Outbox,
    /// To leave the namespace by.
    pub wire: Rc<dyn Wire>,
}

/// The sockets of one connection, by the names of their namespaces.
#[derive(Clone, Default)]
pub(super) struct Sockets(Rc<RefCell<HashMap<String, Seat>>>);

struct Seat {
    /// Of a socket that left and came again there may be two; each ends its own.
    number: u32,
    heard: mpsc::Sender<Heard>,
}

impl Sockets {
    /// A socket for a namespace; counts once it is seated.
    pub(super) fn socket(
        &self,
        namespace: &str,
        number: u32,
        outbox: &Outbox,
        connection: &Rc<dyn Wire>,
    ) -> (Socket, mpsc::Sender<Heard>) {
        let (sender, heard) = mpsc::channel(WAITING);
        let wire = NamespaceWire {
            namespace: namespace.to_owned(),
            number,
            sockets: self.clone(),
            outbox: outbox.clone(),
            connection: connection.clone(),
            closing: Cell::new(false),
            closed_for: Cell::new(None),
        };
        (Socket { heard, ended: false, outbox: outbox.clone(), wire: Rc::new(wire) }, sender)
    }

    pub(super) fn seat(&self, namespace: String, number: u32, heard: mpsc::Sender<Heard>) {
        self.0.borrow_mut().insert(namespace, Seat { number, heard });
    }

    pub(super) fn of(&self, namespace: &str) -> Option<mpsc::Sender<Heard>> {
        self.0.borrow().get(namespace).map(|seat| seat.heard.clone())
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
        self.0.borrow().values().all(|seat| seat.number == number)
    }

    /// A sign of life of the connection is one of each socket. One that is busy hears it in what waits for it.
    pub(super) fn alive(&self) {
        for seat in self.0.borrow().values() {
            let _ = seat.heard.try_send(Heard::Alive);
        }
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Takes a socket's own seat away, if it still has it.
    fn give_up(&self, number: u32) {
        self.0.borrow_mut().retain(|_, seat| seat.number != number);
    }
}

/// As sessions take it: events without the namespace's name; a client's answers are but signs of life.
impl Stream for Socket {
    type Item = Inbound;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.heard.poll_recv(context).map(|heard| {
            Some(match heard {
                Some(Heard::Packet(packet)) if packet.kind == Kind::Event => {
                    Inbound::Text(without_namespace(&packet))
                }
                Some(Heard::Packet(_) | Heard::Alive) => Inbound::Alive,
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
    pub async fn hear(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

/// A socket's hold on its namespace, and for what concerns the whole connection, on that.
struct NamespaceWire {
    namespace: String,
    number: u32,
    sockets: Sockets,
    outbox: Outbox,
    connection: Rc<dyn Wire>,
    closing: Cell<bool>,
    closed_for: Cell<Option<CloseReason>>,
}

impl NamespaceWire {
    fn leave(&self) {
        self.sockets.give_up(self.number);
    }
}

impl Wire for NamespaceWire {
    /// Clients' libraries come back by themselves after a broken connection, and do not after a DISCONNECT: so whoever
    /// should come back loses the connection, and whoever should not is put out of the namespace. A session that takes
    /// the connection with it lasts as long as that, so that a server which stops waits for its last words.
    fn close(&self, reason: CloseReason) {
        if self.closing.replace(true) {
            return;
        }
        self.closed_for.set(Some(reason));
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

    fn cut(&self) {
        self.closing.set(true);
        self.leave();
        self.connection.cut();
    }

    fn is_closing(&self) -> bool {
        self.closing.get() || self.connection.is_closing()
    }

    fn closed_for(&self) -> Option<CloseReason> {
        self.closed_for.get().or_else(|| self.connection.closed_for())
    }
}
