//! A WebSocket takes a polling connection over. It may have come to another worker thread than the connection lives on:
//! from then on the two threads pass frames to each other, at most one lot on its way.

use std::rc::Rc;

use actix_web::rt::time::timeout;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::EngineLimits;
use super::answer::Refused;
use super::courier::{Control, ToSocket};
use super::directory::Line;
use crate::realtime::close::{CloseReason, Endpoint};
use crate::realtime::hub::{Delivery, Outbox};
use crate::realtime::protocol::engineio::{PROBED, Packet};
use crate::realtime::protocol::frame;
use crate::realtime::transport::handshake::{Connection, Handshake};
use crate::realtime::transport::{Inbound, Reader, Wire};

/// Opens the WebSocket; only to close it again where the connection has one.
pub(super) async fn upgrade(
    line: Line,
    request: &HttpRequest,
    payload: Payload,
    limits: &EngineLimits,
) -> HttpResponse {
    let handshake = match Handshake::read(request, payload, Endpoint::SocketIo, limits.link) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let (reply, answer) = oneshot::channel();
    if line.control.send(Control::Upgrade(reply)).await.is_err() {
        return Refused::SessionUnknown.answer();
    }
    let may_try = answer.await;
    let (response, connection) = handshake.accept();
    let Ok(frames) = may_try else {
        connection.wire.close(CloseReason::ProtocolError);
        actix_web::rt::spawn(connection.reader.read_to_the_end());
        return response;
    };
    let patience = limits.upgrade_timeout;
    actix_web::rt::spawn(async move {
        let Connection { mut reader, outbox, wire } = connection;
        let probed = frame::text(|to| to.extend_from_slice(PROBED.as_bytes()));
        let tried = timeout(patience, async {
            if next_packet(&mut reader).await != Some(Packet::Probe) {
                return false;
            }
            let _ = outbox.push(probed, Delivery::Durable);
            line.control.send(Control::Probed).await.is_ok()
                && next_packet(&mut reader).await == Some(Packet::Upgrade)
                && line.control.send(Control::Upgraded).await.is_ok()
        });
        if tried.await == Ok(true) {
            let writing = actix_web::rt::spawn(write(frames, outbox, wire.clone()));
            read(reader, &line, &*wire).await;
            // Nothing is left to be written to, but a close may be on its way.
            drop(writing);
        } else {
            // The connection goes on polling.
            wire.close(CloseReason::ProtocolError);
            reader.read_to_the_end().await;
        }
    });
    response
}

async fn next_packet(reader: &mut Reader) -> Option<Packet> {
    loop {
        match reader.next().await? {
            Inbound::Text(text) => return Packet::read(&text).ok(),
            Inbound::Alive => {}
            Inbound::Binary(_) | Inbound::Fault(_) | Inbound::Gone => return None,
        }
    }
}

/// Brings what the client says to the connection's thread.
async fn read(mut reader: Reader, line: &Line, wire: &dyn Wire) {
    while let Some(inbound) = reader.next().await {
        let packet = match inbound {
            Inbound::Text(text) => Packet::read(&text).map_err(|_| CloseReason::ProtocolError),
            Inbound::Binary(bytes) => Ok(Packet::Binary(bytes)),
            Inbound::Alive => continue,
            Inbound::Fault(reason) => Err(reason),
            Inbound::Gone => break,
        };
        match packet {
            // Where the connection has ended, its line says how; until the client knows, it is heard to its end.
            Ok(packet) => drop(line.packets.send(packet).await),
            Err(reason) => wire.close(reason),
        }
    }
    line.break_off().await;
}

/// Brings what is said to the client, each lot when the one before has gone: the connection's own outbox stays the bound.
async fn write(mut frames: mpsc::Receiver<ToSocket>, outbox: Outbox, wire: Rc<dyn Wire>) {
    while let Some(what) = frames.recv().await {
        match what {
            ToSocket::Frames(frames) => {
                let _ = outbox.push(frames, Delivery::Durable);
                outbox.drained().await;
            }
            ToSocket::Close(reason) => return reason.map_or_else(|| wire.end(), |reason| wire.close(reason)),
        }
    }
    wire.cut();
}
