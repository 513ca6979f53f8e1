//! Reads a Socket.IO connection and dispatches its packets to namespaces.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::hub::{Delivery, Outbox};
use crate::protocol::close::CloseReason;
use crate::protocol::socketio::{Assembler, Kind, Packet, PacketLimits};
use crate::realtime::connection::{ConnectionHandle, Inbound};
use crate::realtime::engineio::Connection;

use super::socket::{SocketEvent, Sockets};
use super::{Accepted, ConnectError, ConnectHandler, ConnectRequest};

/// The limits of one connection.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// How long the connection may be in no namespace.
    pub connect_timeout: Duration,
    /// Attempts to connect to a namespace per minute; each costs a check of a token.
    pub attempts: u32,
    /// The limits of its packets.
    pub packets: PacketLimits,
}

impl ClientLimits {
    /// The limits of the configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let realtime = &config.realtime;
        Self {
            connect_timeout: config.server.handshake_timeout,
            attempts: realtime.malformed_per_minute,
            packets: PacketLimits { attachments: realtime.attachments_max, bytes: realtime.message_max },
        }
    }
}

#[derive(Serialize)]
struct Connected<'a> {
    sid: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<ErrorData>,
}

#[derive(Serialize)]
struct ErrorData {
    code: &'static str,
}

fn to_json(data: &impl Serialize) -> String {
    // Plain fields, whose serialization cannot fail.
    serde_json::to_string(data).unwrap_or_default()
}

/// Serves a connection until it ends.
pub async fn serve(connection: Connection, handler: impl ConnectHandler, limits: ClientLimits) {
    let Connection { mut messages, outbox, handle } = connection;
    let sockets = Sockets::default();
    let mut client = Client {
        handler,
        sockets: sockets.clone(),
        assembler: Assembler::new(limits.packets),
        outbox,
        handle,
        connect_attempts: ConnectAttempts {
            count: 0,
            at_most: limits.attempts,
            minute: Instant::now(),
            in_minute: 0,
        },
    };
    let mut idle_since = Instant::now();
    loop {
        if !sockets.is_empty() {
            idle_since = Instant::now();
        }
        let received = tokio::select! {
            inbound = messages.next() => match inbound {
                Some(Inbound::Text(text)) => client.assembler.text(&text).map_err(|_| CloseReason::ProtocolError),
                Some(Inbound::Binary(bytes)) => {
                    client.assembler.binary(bytes).map_err(|_| CloseReason::ProtocolError)
                }
                Some(Inbound::Alive) => {
                    sockets.alive();
                    Ok(None)
                }
                Some(Inbound::Fault(reason)) => Err(reason),
                Some(Inbound::Gone) | None => break,
            },
            () = sleep_until(idle_since + limits.connect_timeout), if sockets.is_empty() => {
                Err(CloseReason::NoToken)
            }
        };
        let taken = match received {
            Ok(Some(_)) | Ok(None) if client.handle.is_closing() => Ok(()),
            Ok(Some(packet)) => client.take(packet).await,
            Ok(None) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            client.handle.close(reason);
            break;
        }
    }
    sockets.clear();
    // Discards what a client sends while it is being closed; the transport bounds how long that lasts.
    while messages.next().await.is_some() {}
}

struct Client<D> {
    handler: D,
    sockets: Sockets,
    assembler: Assembler,
    outbox: Outbox,
    handle: Rc<dyn ConnectionHandle>,
    connect_attempts: ConnectAttempts,
}

struct ConnectAttempts {
    count: u32,
    at_most: u32,
    /// When the minute began whose attempts are counted.
    minute: Instant,
    in_minute: u32,
}

impl ConnectAttempts {
    /// Counts an attempt; returns its number on this connection.
    fn count(&mut self) -> Result<u32, CloseReason> {
        if self.minute.elapsed() >= Duration::from_secs(60) {
            (self.minute, self.in_minute) = (Instant::now(), 0);
        }
        self.count = self.count.wrapping_add(1);
        self.in_minute += 1;
        if self.in_minute > self.at_most { Err(CloseReason::TooManyMistakes) } else { Ok(self.count) }
    }
}

impl<D: ConnectHandler> Client<D> {
    async fn take(&mut self, packet: Packet) -> Result<(), CloseReason> {
        match packet.kind {
            // In memory of its own: it takes ten times as much as all else, and is over soon.
            Kind::Connect => Box::pin(self.connect(packet)).await,
            Kind::Disconnect => {
                self.sockets.leave(&packet.namespace);
                Ok(())
            }
            Kind::Event | Kind::Ack => {
                let socket = self.sockets.of(&packet.namespace).ok_or(CloseReason::ProtocolError)?;
                // Fails if the socket has left its namespace meanwhile.
                let _ = socket.send(SocketEvent::Packet(Box::new(packet))).await;
                Ok(())
            }
            Kind::ConnectError => Err(CloseReason::ProtocolError),
        }
    }

    async fn connect(&mut self, packet: Packet) -> Result<(), CloseReason> {
        let Packet { namespace, data, .. } = packet;
        if self.sockets.of(&namespace).is_some() {
            return Err(CloseReason::ProtocolError);
        }
        let number = self.connect_attempts.count()?;
        // Each session of the connection has its own channel, so that they do not replace each other's
        // latest-wins frames. Numbers repeat after 256, more than one client has use for.
        let outbox = self.outbox.on_channel(number.to_le_bytes()[0]);
        let (socket, received) = self.sockets.socket(&namespace, number, &outbox, &self.handle);
        let auth = RawValue::from_string(data).ok();
        let answer =
            self.handler.connect(ConnectRequest { namespace: namespace.clone(), auth, socket }).await;
        let (kind, data, start) = match answer {
            Ok(Accepted { sid, start }) => {
                self.sockets.insert(namespace.clone(), number, received);
                (Kind::Connect, to_json(&Connected { sid: &sid }), Some(start))
            }
            Err(ConnectError::Later(reason)) => return Err(reason),
            Err(ConnectError::Refused { message, code }) => {
                let data = code.map(|code| ErrorData { code });
                (Kind::ConnectError, to_json(&Refused { message: &message, data }), None)
            }
        };
        let packet = Packet { kind, namespace, id: None, data, attachments: Vec::new() };
        let _ = self.outbox.push(packet.frames(), Delivery::Durable);
        if let Some(start) = start {
            start();
        }
        Ok(())
    }
}
