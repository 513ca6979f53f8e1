//! Reads a connection and brings each packet to its namespace.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;

use super::socket::{Heard, Sockets};
use super::{Doors, Knock, TurnedAway, Welcome};
use crate::realtime::close::CloseReason;
use crate::realtime::hub::{Delivery, Outbox};
use crate::realtime::protocol::socketio::{Assembler, Kind, Packet, PacketLimits};
use crate::realtime::transport::engineio::Connection;
use crate::realtime::transport::{Inbound, Wire};

/// What one connection may do.
#[derive(Debug, Clone, Copy)]
pub struct HallLimits {
    /// How long it may be in no namespace.
    pub connect_timeout: Duration,
    /// How often in a minute it may ask to be let into a namespace. Each time costs a look at a token.
    pub attempts: u32,
    /// What its packets may cost.
    pub packets: PacketLimits,
}

#[derive(Serialize)]
struct Named<'a> {
    sid: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Why>,
}

#[derive(Serialize)]
struct Why {
    code: &'static str,
}

fn written(data: &impl Serialize) -> String {
    // Plain fields: nothing in them can fail to be written.
    serde_json::to_string(data).unwrap_or_default()
}

/// Serves a connection until it ends.
pub async fn serve(connection: Connection, doors: impl Doors, limits: HallLimits) {
    let Connection { mut messages, outbox, wire } = connection;
    let sockets = Sockets::default();
    let mut hall = Hall {
        doors,
        sockets: sockets.clone(),
        assembler: Assembler::new(limits.packets),
        outbox,
        wire,
        knocks: Knocks { count: 0, at_most: limits.attempts, minute: Instant::now(), in_minute: 0 },
    };
    let mut alone_since = Instant::now();
    loop {
        if !sockets.is_empty() {
            alone_since = Instant::now();
        }
        let heard = tokio::select! {
            inbound = messages.next() => match inbound {
                Some(Inbound::Text(text)) => hall.assembler.text(&text).map_err(|_| CloseReason::ProtocolError),
                Some(Inbound::Binary(bytes)) => {
                    hall.assembler.binary(bytes).map_err(|_| CloseReason::ProtocolError)
                }
                Some(Inbound::Alive) => {
                    sockets.alive();
                    Ok(None)
                }
                Some(Inbound::Fault(reason)) => Err(reason),
                Some(Inbound::Gone) | None => break,
            },
            () = sleep_until(alone_since + limits.connect_timeout), if sockets.is_empty() => {
                Err(CloseReason::NoToken)
            }
        };
        let taken = match heard {
            Ok(Some(_)) | Ok(None) if hall.wire.is_closing() => Ok(()),
            Ok(Some(packet)) => hall.take(packet).await,
            Ok(None) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            hall.wire.close(reason);
            break;
        }
    }
    sockets.clear();
    // What the client still says while it is being sent away is nobody's; its goodbye is awaited within bounds.
    while messages.next().await.is_some() {}
}

struct Hall<D> {
    doors: D,
    sockets: Sockets,
    assembler: Assembler,
    outbox: Outbox,
    wire: Rc<dyn Wire>,
    knocks: Knocks,
}

struct Knocks {
    count: u32,
    at_most: u32,
    /// The minute that is counted in began then.
    minute: Instant,
    in_minute: u32,
}

impl Knocks {
    /// Counts another one, and says its number on this connection.
    fn count(&mut self) -> Result<u32, CloseReason> {
        if self.minute.elapsed() >= Duration::from_secs(60) {
            (self.minute, self.in_minute) = (Instant::now(), 0);
        }
        self.count = self.count.wrapping_add(1);
        self.in_minute += 1;
        if self.in_minute > self.at_most { Err(CloseReason::TooManyMistakes) } else { Ok(self.count) }
    }
}

impl<D: Doors> Hall<D> {
    async fn take(&mut self, packet: Packet) -> Result<(), CloseReason> {
        match packet.kind {
            Kind::Connect => self.connect(packet).await,
            Kind::Disconnect => {
                self.sockets.leave(&packet.namespace);
                Ok(())
            }
            Kind::Event | Kind::Ack => {
                let socket = self.sockets.of(&packet.namespace).ok_or(CloseReason::ProtocolError)?;
                // It may have left meanwhile.
                let _ = socket.send(Heard::Packet(packet)).await;
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
        let number = self.knocks.count()?;
        // Two sessions behind one outbox must not replace each other's states; two thousand would be no use to anybody.
        let outbox = self.outbox.on_lane(number.to_le_bytes()[0]);
        let (socket, heard) = self.sockets.socket(&namespace, number, &outbox, &self.wire);
        let auth = RawValue::from_string(data).ok();
        let answer = self.doors.knock(Knock { namespace: namespace.clone(), auth, socket }).await;
        let (kind, data, enter) = match answer {
            Ok(Welcome { sid, enter }) => {
                self.sockets.seat(namespace.clone(), number, heard);
                (Kind::Connect, written(&Named { sid: &sid }), Some(enter))
            }
            Err(TurnedAway::Later(reason)) => return Err(reason),
            Err(TurnedAway::Refused { message, code }) => {
                let data = code.map(|code| Why { code });
                (Kind::ConnectError, written(&Refused { message: &message, data }), None)
            }
        };
        let packet = Packet { kind, namespace, id: None, data, attachments: Vec::new() };
        let _ = self.outbox.push(packet.frames(), Delivery::Durable);
        if let Some(enter) = enter {
            enter();
        }
        Ok(())
    }
}
