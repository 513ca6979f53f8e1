//! Finds the connection that a request belongs to, or opens a new one.

use std::rc::Rc;

use actix_web::http::{Method, header};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use crate::hub::{Delivery, Outbox};
use crate::protocol::close::Endpoint;
use crate::protocol::engineio::Open;
use crate::protocol::frame;
use crate::realtime::websocket::handshake::{self, Handshake};

use super::error::RequestError;
use super::heartbeat::Heartbeat;
use super::messages::Messages;
use super::polling::text;
use super::polling_connection::PollingConnection;
use super::registry::{Registry, SessionHandle};
use super::{Connection, Engine};

/// A request, classified by what it does.
pub(super) enum Request {
    Open(Transport),
    Poll(SessionHandle),
    Post(SessionHandle),
    Upgrade(SessionHandle),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Polling,
    WebSocket,
}

/// Checks method, headers and query, in the order in which older clients expect the errors.
pub(super) fn read(request: &HttpRequest, registry: &Registry) -> Result<Request, RequestError> {
    let query = request.query_string().as_bytes();
    let parameter = |name: &str| {
        let mut parameters = url::form_urlencoded::parse(query);
        parameters.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let transport = match parameter("transport").as_deref() {
        Some("polling") => Transport::Polling,
        Some("websocket") => Transport::WebSocket,
        _ => return Err(RequestError::TransportUnknown),
    };
    let upgrade = request.headers().get(header::UPGRADE);
    let is_upgrade = upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if is_upgrade != (transport == Transport::WebSocket) {
        return Err(RequestError::BadRequest);
    }
    if parameter("EIO").as_deref() != Some("4") {
        return Err(RequestError::Version);
    }
    let Some(sid) = parameter("sid") else {
        let is_get = request.method() == Method::GET;
        return if is_get { Ok(Request::Open(transport)) } else { Err(RequestError::HandshakeMethod) };
    };
    let session = registry.find(&sid).ok_or(RequestError::SessionUnknown)?;
    match (transport, request.method()) {
        (Transport::WebSocket, _) => Ok(Request::Upgrade(session)),
        (Transport::Polling, &Method::GET) => Ok(Request::Poll(session)),
        (Transport::Polling, &Method::POST) => Ok(Request::Post(session)),
        (Transport::Polling, _) => Err(RequestError::BadRequest),
    }
}

/// A request that asks for a new connection.
pub struct OpenRequest {
    engine: Engine,
    over: Over,
}

enum Over {
    Polling,
    WebSocket(Handshake),
}

impl OpenRequest {
    pub(super) fn new(
        engine: &Engine,
        request: &HttpRequest,
        payload: Payload,
        transport: Transport,
    ) -> Result<Self, HttpResponse> {
        let over = match transport {
            Transport::Polling => Over::Polling,
            Transport::WebSocket => Over::WebSocket(Handshake::read(
                request,
                payload,
                Endpoint::SocketIo,
                engine.0.limits.connection,
            )?),
        };
        Ok(Self { engine: engine.clone(), over })
    }

    /// Opens the connection on this thread.
    pub fn accept(self) -> (HttpResponse, Connection) {
        match self.over {
            Over::Polling => poll(&self.engine),
            Over::WebSocket(handshake) => websocket(&self.engine, handshake),
        }
    }
}

/// Packets that answer one poll: clients in Python break off at a payload with more.
const PACKETS_OF_AN_ANSWER: usize = 16;

fn poll(engine: &Engine) -> (HttpResponse, Connection) {
    let limits = &engine.0.limits;
    let (outbox, waiting) = Outbox::new(limits.connection.outbox);
    let waiting = waiting.with_frames(PACKETS_OF_AN_ANSWER);
    let (sid, ends) = engine.0.registry.add();
    let (polling, handle, over) =
        PollingConnection::new(outbox.clone(), waiting, ends.control, limits.connection.close_timeout);
    let greeting = opened(engine, &sid.to_string(), &["websocket"]);
    // Registered until the `PollingConnection` ends, however it ends.
    actix_web::rt::spawn(async move {
        let _known = sid;
        polling.run().await;
    });
    let heartbeat = Heartbeat::start(&outbox, handle.clone(), limits);
    let messages = Messages::polled(ends.packets, over, handle.clone(), heartbeat, engine.0.alive.clone());
    (text(greeting.into_bytes().into()), Connection { messages, outbox, handle })
}

fn websocket(engine: &Engine, handshake: Handshake) -> (HttpResponse, Connection) {
    let (response, handshake::WebSocket { reader, outbox, handle }) = handshake.accept();
    // Not registered: a connection that begins with a WebSocket has nothing to upgrade to.
    let sid = uuid::Uuid::new_v4().simple().to_string();
    let greeting = opened(engine, &sid, &[]);
    let _ = outbox.push(frame::text(|to| to.extend_from_slice(greeting.as_bytes())), Delivery::Durable);
    let heartbeat = Heartbeat::start(&outbox, Rc::clone(&handle), &engine.0.limits);
    let messages = Messages::of_socket(reader, Rc::clone(&handle), heartbeat, engine.0.alive.clone());
    (response, Connection { messages, outbox, handle })
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
