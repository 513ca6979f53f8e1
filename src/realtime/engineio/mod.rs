//! Engine.IO: one connection over a WebSocket, over HTTP requests (long-polling), or first over requests and
//! then, after an upgrade, over a WebSocket. Knows neither Socket.IO nor sessions.
//!
//! ```text
//!   GET, POST on any worker thread ──► Registry: sid ──► PollingConnection, on the thread that opened it
//!   WebSocket on any worker thread ──►                      │ the outbox is delivered to polls, or after an
//!                                                           │ upgrade to the thread of the WebSocket
//!                                   session ◄── messages ───┴──► outbox
//! ```
//!
//! A [`Connection`] is used like one of any other transport: messages, an outbox, a handle. The outbox holds
//! WebSocket frames of Engine.IO packets; polls get the packets without the frame headers.

mod error;
mod request;
mod polling_connection;
mod polling_machine;
mod polling_state;
mod control;
mod registry;
mod heartbeat;
mod messages;
mod polling;
mod upgrade;
mod polling_handle;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use crate::hub::Outbox;
use crate::protocol::engineio::PayloadLimits;

use super::connection::ConnectionHandle;
use super::websocket::ConnectionLimits;

pub(crate) use messages::Messages;
pub(crate) use request::OpenRequest;

use registry::Registry;
use request::Request;

/// The limits and timeouts of one connection.
#[derive(Debug, Clone, Copy)]
pub struct EngineLimits {
    /// Interval between two pings.
    pub ping_interval: Duration,
    /// How long the client may take to answer a ping.
    pub ping_timeout: Duration,
    /// Maximum bytes of one request's body.
    pub max_payload: usize,
    /// The limits of the packets in one body.
    pub payload: PayloadLimits,
    /// How long a WebSocket may take to complete the upgrade.
    pub upgrade_timeout: Duration,
    /// Limits of the WebSocket and the outbox, and how long a closing connection waits for its client.
    pub connection: ConnectionLimits,
}

/// An open connection, as the layer above gets it.
pub struct Connection {
    /// The client's messages.
    pub messages: Messages,
    /// The queue of frames to the client: WebSocket frames of Engine.IO packets.
    pub outbox: Outbox,
    /// Closes the connection.
    pub handle: Rc<dyn ConnectionHandle>,
}

/// All connections of one URL path. Shared by all worker threads; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    limits: EngineLimits,
    registry: Registry,
    /// Each connection holds a clone, so that the strong count gives the number of connections.
    alive: Arc<()>,
}

/// What a request turned out to be.
pub enum RequestOutcome {
    /// It asks for a new connection, which the caller must accept or refuse.
    OpenRequest(OpenRequest),
    /// It belonged to a connection, and this is its response.
    Answered(HttpResponse),
}

impl Engine {
    /// No connections, and these limits for new ones.
    pub fn new(limits: EngineLimits) -> Self {
        Self(Arc::new(Inner { limits, registry: Registry::default(), alive: Arc::default() }))
    }

    /// Number of open connections, in a namespace or not.
    pub(crate) fn connections(&self) -> usize {
        Arc::strong_count(&self.0.alive) - 1
    }

    /// Number of open connections that began with polling.
    pub fn polled(&self) -> usize {
        self.0.registry.len()
    }

    /// Handles one HTTP request of any kind.
    pub async fn receive(&self, request: &HttpRequest, payload: Payload) -> RequestOutcome {
        match request::read(request, &self.0.registry) {
            Err(refused) => RequestOutcome::Answered(refused.into_response()),
            Ok(Request::Open(transport)) => match OpenRequest::new(self, request, payload, transport) {
                Ok(opening) => RequestOutcome::OpenRequest(opening),
                Err(answer) => RequestOutcome::Answered(answer),
            },
            Ok(Request::Poll(session)) => RequestOutcome::Answered(polling::poll(session, request).await),
            Ok(Request::Post(session)) => {
                RequestOutcome::Answered(polling::post(session, payload, request, &self.0.limits).await)
            }
            Ok(Request::Upgrade(session)) => {
                RequestOutcome::Answered(upgrade::upgrade(session, request, payload, &self.0.limits).await)
            }
        }
    }
}
