//! The client's messages, whichever transport its packets arrive on.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::{mpsc, oneshot};

use crate::protocol::close::CloseReason;
use crate::protocol::engineio::Packet;
use crate::realtime::connection::{ConnectionHandle, Inbound};
use crate::realtime::websocket::Reader;

use super::heartbeat::Heartbeat;

/// Yields messages; handles heartbeats and `close` packets itself. Ends after [`Inbound::Gone`] or
/// [`Inbound::Fault`].
///
/// While it is not polled the client has to wait: WebSocket frames in the network, POST requests without a
/// response.
pub struct Messages {
    source: Source,
    handle: Rc<dyn ConnectionHandle>,
    heartbeat: Heartbeat,
    ended: bool,
    _alive: Arc<()>,
}

enum Source {
    Socket(Reader),
    /// The packets of POST requests, and the end of the `PollingConnection`.
    Polls(mpsc::Receiver<Packet>, oneshot::Receiver<()>),
}

impl Messages {
    pub(super) fn of_socket(
        reader: Reader,
        handle: Rc<dyn ConnectionHandle>,
        heartbeat: Heartbeat,
        alive: Arc<()>,
    ) -> Self {
        Self { source: Source::Socket(reader), handle, heartbeat, ended: false, _alive: alive }
    }

    pub(super) fn polled(
        packets: mpsc::Receiver<Packet>,
        over: oneshot::Receiver<()>,
        handle: Rc<dyn ConnectionHandle>,
        heartbeat: Heartbeat,
        alive: Arc<()>,
    ) -> Self {
        Self { source: Source::Polls(packets, over), handle, heartbeat, ended: false, _alive: alive }
    }

    fn take(&mut self, packet: Packet) -> Inbound {
        match packet {
            Packet::Message(text) => Inbound::Text(text),
            Packet::Binary(bytes) => Inbound::Binary(bytes),
            Packet::Pong => {
                self.heartbeat.answered();
                Inbound::Alive
            }
            Packet::Noop => Inbound::Alive,
            Packet::Close => {
                self.handle.end();
                Inbound::Gone
            }
            // These belong to the upgrade, before the WebSocket is the connection's transport.
            Packet::Probe | Packet::Upgrade => Inbound::Fault(CloseReason::ProtocolError),
        }
    }
}

impl Stream for Messages {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let messages = self.get_mut();
        if messages.ended {
            return Poll::Ready(None);
        }
        let polled = match &mut messages.source {
            Source::Socket(reader) => Pin::new(reader).poll_next(context).map(|inbound| match inbound {
                Some(Inbound::Text(text)) => {
                    Packet::read(&text).map_err(|_| Inbound::Fault(CloseReason::ProtocolError))
                }
                Some(other) => Err(other),
                None => Err(Inbound::Gone),
            }),
            Source::Polls(packets, over) => match packets.poll_recv(context) {
                Poll::Ready(packet) => Poll::Ready(packet.ok_or(Inbound::Gone)),
                Poll::Pending => Pin::new(over).poll(context).map(|_| Err(Inbound::Gone)),
            },
        };
        messages.heartbeat.set_paused(polled.is_ready());
        polled.map(|received| {
            let inbound = received.map_or_else(|other| other, |packet| messages.take(packet));
            messages.ended = matches!(inbound, Inbound::Gone | Inbound::Fault(_));
            Some(inbound)
        })
    }
}
