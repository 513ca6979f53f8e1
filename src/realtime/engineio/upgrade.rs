//! Upgrades a polling connection to a WebSocket. The WebSocket may be on another worker thread than the
//! connection: from then on the two threads pass frames to each other, with at most one batch on its way.

use std::rc::Rc;

use actix_web::rt::time::timeout;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::hub::{Delivery, Outbox};
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::engineio::{PROBED, Packet};
use crate::protocol::frame;
use crate::realtime::connection::{ConnectionHandle, Inbound};
use crate::realtime::websocket::Reader;
use crate::realtime::websocket::handshake::{Handshake, WebSocket};

use super::EngineLimits;
use super::control::{Control, ToSocket};
use super::error::RequestError;
use super::registry::SessionHandle;

/// Accepts the WebSocket; closes it at once if the connection has one already or is being upgraded.
pub(super) async fn upgrade(
    session: SessionHandle,
    request: &HttpRequest,
    payload: Payload,
    limits: &EngineLimits,
) -> HttpResponse {
    let handshake = match Handshake::read(request, payload, Endpoint::SocketIo, limits.connection) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let (reply, answer) = oneshot::channel();
    if session.control.send(Control::Upgrade(reply)).await.is_err() {
        return RequestError::SessionUnknown.into_response();
    }
    let may_try = answer.await;
    let (response, connection) = handshake.accept();
    let Ok(frames) = may_try else {
        connection.handle.close(CloseReason::ProtocolError);
        actix_web::rt::spawn(connection.reader.read_to_the_end());
        return response;
    };
    let close_timeout = limits.upgrade_timeout;
    actix_web::rt::spawn(async move {
        let WebSocket { mut reader, outbox, handle } = connection;
        let probed = frame::text(|to| to.extend_from_slice(PROBED.as_bytes()));
        let tried = timeout(close_timeout, async {
            if next_packet(&mut reader).await != Some(Packet::Probe) {
                return false;
            }
            let _ = outbox.push(probed, Delivery::Durable);
            session.control.send(Control::Probed).await.is_ok()
                && next_packet(&mut reader).await == Some(Packet::Upgrade)
                && session.control.send(Control::Upgraded).await.is_ok()
        });
        if tried.await == Ok(true) {
            let writing = actix_web::rt::spawn(write(frames, outbox, handle.clone()));
            read(reader, &session, &*handle).await;
            // Detaches the task: the client is disconnected, but a close may still have to be written.
            drop(writing);
        } else {
            // The connection continues with polling.
            handle.close(CloseReason::ProtocolError);
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

/// Forwards the client's packets to the connection's thread.
async fn read(mut reader: Reader, session: &SessionHandle, handle: &dyn ConnectionHandle) {
    while let Some(inbound) = reader.next().await {
        let packet = match inbound {
            Inbound::Text(text) => Packet::read(&text).map_err(|_| CloseReason::ProtocolError),
            Inbound::Binary(bytes) => Ok(Packet::Binary(bytes)),
            Inbound::Alive => continue,
            Inbound::Fault(reason) => Err(reason),
            Inbound::Gone => break,
        };
        match packet {
            // Fails if the connection has ended, which then closes this WebSocket through `write`. Until the
            // client has seen that, its packets are read and dropped.
            Ok(packet) => drop(session.packets.send(packet).await),
            Err(reason) => handle.close(reason),
        }
    }
    session.abort().await;
}

/// Forwards frames to the client, each batch when the one before has been sent, so that the connection's own
/// outbox remains the bound.
async fn write(mut frames: mpsc::Receiver<ToSocket>, outbox: Outbox, handle: Rc<dyn ConnectionHandle>) {
    while let Some(what) = frames.recv().await {
        match what {
            ToSocket::Frames(frames) => {
                let _ = outbox.push(frames, Delivery::Durable);
                outbox.drained().await;
            }
            ToSocket::Close(reason) => {
                return reason.map_or_else(|| handle.end(), |reason| handle.close(reason));
            }
        }
    }
    handle.abort();
}
