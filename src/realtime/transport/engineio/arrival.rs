//! Which connection a request belongs to, or how it opens one.

use std::rc::Rc;

use actix_web::http::{Method, header};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::answer::Refused;
use super::courier::Courier;
use super::directory::{Directory, Line};
use super::heartbeat::Heartbeat;
use super::messages::Messages;
use super::polling::text;
use super::{Connection, Engine};
use crate::realtime::close::Endpoint;
use crate::realtime::hub::{Delivery, Outbox};
use crate::realtime::protocol::engineio::Open;
use crate::realtime::protocol::frame;
use crate::realtime::transport::handshake::{self, Handshake};

/// A request, with what it is for.
pub(super) enum Arrival {
    Open(Transport),
    Poll(Line),
    Post(Line),
    Upgrade(Line),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Polling,
    WebSocket,
}

/// Reads method, headers and query, in the order in which older clients expect the refusals.
pub(super) fn read(request: &HttpRequest, directory: &Directory) -> Result<Arrival, Refused> {
    let query = request.query_string().as_bytes();
    let parameter = |name: &str| {
        let mut parameters = url::form_urlencoded::parse(query);
        parameters.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let transport = match parameter("transport").as_deref() {
        Some("polling") => Transport::Polling,
        Some("websocket") => Transport::WebSocket,
        _ => return Err(Refused::TransportUnknown),
    };
    let upgrade = request.headers().get(header::UPGRADE);
    let is_upgrade = upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if is_upgrade != (transport == Transport::WebSocket) {
        return Err(Refused::BadRequest);
    }
    if parameter("EIO").as_deref() != Some("4") {
        return Err(Refused::Version);
    }
    let Some(sid) = parameter("sid") else {
        let is_get = request.method() == Method::GET;
        return if is_get { Ok(Arrival::Open(transport)) } else { Err(Refused::HandshakeMethod) };
    };
    let line = directory.find(&sid).ok_or(Refused::SessionUnknown)?;
    match (transport, request.method()) {
        (Transport::WebSocket, _) => Ok(Arrival::Upgrade(line)),
        (Transport::Polling, &Method::GET) => Ok(Arrival::Poll(line)),
        (Transport::Polling, &Method::POST) => Ok(Arrival::Post(line)),
        (Transport::Polling, _) => Err(Refused::BadRequest),
    }
}

/// A request that may open a connection.
pub struct Opening {
    engine: Engine,
    over: Over,
}

enum Over {
    Polling,
    WebSocket(Handshake),
}

impl Opening {
    pub(super) fn new(
        engine: &Engine,
        request: &HttpRequest,
        payload: Payload,
        transport: Transport,
    ) -> Result<Self, HttpResponse> {
        let over = match transport {
            Transport::Polling => Over::Polling,
            Transport::WebSocket => {
                Over::WebSocket(Handshake::read(request, payload, Endpoint::SocketIo, engine.0.limits.link)?)
            }
        };
        Ok(Self { engine: engine.clone(), over })
    }

    /// Opens the connection; it lives on this thread.
    pub fn accept(self) -> (HttpResponse, Connection) {
        match self.over {
            Over::Polling => poll(&self.engine),
            Over::WebSocket(handshake) => websocket(&self.engine, handshake),
        }
    }
}

fn poll(engine: &Engine) -> (HttpResponse, Connection) {
    let limits = &engine.0.limits;
    let (outbox, waiting) = Outbox::new(limits.link.outbox);
    let (sid, ends) = engine.0.directory.add();
    let (courier, wire, over) =
        Courier::new(outbox.clone(), waiting, ends.control, limits.link.close_timeout);
    let greeting = opened(engine, &sid.to_string(), &["websocket"]);
    // Known until the courier ends, however it ends.
    actix_web::rt::spawn(async move {
        let _known = sid;
        courier.run().await;
    });
    let heartbeat = Heartbeat::start(&outbox, wire.clone(), limits);
    let messages = Messages::polled(ends.packets, over, wire.clone(), heartbeat, engine.0.alive.clone());
    (text(greeting.into_bytes().into()), Connection { messages, outbox, wire })
}

fn websocket(engine: &Engine, handshake: Handshake) -> (HttpResponse, Connection) {
    let (response, handshake::Connection { reader, outbox, wire }) = handshake.accept();
    // Nothing is ever asked for by this name: there is nothing to upgrade to.
    let sid = uuid::Uuid::new_v4().simple().to_string();
    let greeting = opened(engine, &sid, &[]);
    let _ = outbox.push(frame::text(|to| to.extend_from_slice(greeting.as_bytes())), Delivery::Durable);
    let heartbeat = Heartbeat::start(&outbox, Rc::clone(&wire), &engine.0.limits);
    let messages = Messages::of_socket(reader, Rc::clone(&wire), heartbeat, engine.0.alive.clone());
    (response, Connection { messages, outbox, wire })
}

fn opened(engine: &Engine, sid: &str, upgrades: &'static [&'static str]) -> String {
    let limits = &engine.0.limits;
    let open = Open {
        sid,
        upgrades,
        ping_interval: limits.ping_interval,
        ping_timeout: limits.ping_timeout,
        max_payload: limits.max_payload,
    };
    open.packet()
}
