//! Engine.IO: one connection over a WebSocket, over HTTP requests (long-polling), or over these and then that.
//!
//! ```text
//!   GET, POST of any worker thread ──► directory: sid ──► courier, on the thread where the connection began
//!   WebSocket of any worker thread ──►                      │ polls take what waits in the outbox; after an
//!                                                           │ upgrade a line to the WebSocket's thread does
//!                                   session ◄── messages ───┴──► outbox
//! ```
//!
//! To whoever uses it, it is what every transport is: messages, an outbox, a wire. The outbox holds WebSocket frames of
//! Engine.IO packets; what polls take has the frames' headers off.

mod error;
mod request;
mod polling_connection;
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

pub use messages::Messages;
pub use request::OpenRequest;

use registry::Registry;
use request::Request;

/// What one connection may cost, and how it is kept alive.
#[derive(Debug, Clone, Copy)]
pub struct EngineLimits {
    /// How often the client is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to answer.
    pub ping_timeout: Duration,
    /// Bytes of one request's body.
    pub max_payload: usize,
    /// What such a body may hold.
    pub payload: PayloadLimits,
    /// How long a WebSocket may take to become the connection's new transport.
    pub upgrade_timeout: Duration,
    /// Of the WebSocket, of the outbox, and how long a closing connection waits for its client.
    pub connection: ConnectionLimits,
}

/// A connection that is open, as whoever speaks over it gets it.
pub struct Connection {
    /// What the client says.
    pub messages: Messages,
    /// What is said to it: WebSocket frames of Engine.IO packets.
    pub outbox: Outbox,
    /// To end it by.
    pub handle: Rc<dyn ConnectionHandle>,
}

/// The connections of one address. Shared by all worker threads.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    limits: EngineLimits,
    registry: Registry,
    /// Each connection has one more of it.
    alive: Arc<()>,
}

/// What a request came to.
pub enum RequestOutcome {
    /// It wants a connection of its own: open it or refuse it.
    OpenRequest(OpenRequest),
    /// It was one of a connection's requests and has this answer.
    Answered(HttpResponse),
}

impl Engine {
    /// No connections yet.
    pub fn new(limits: EngineLimits) -> Self {
        Self(Arc::new(Inner { limits, registry: Registry::default(), alive: Arc::default() }))
    }

    /// How many connections there are, in a namespace or not.
    pub fn connections(&self) -> usize {
        Arc::strong_count(&self.0.alive) - 1
    }

    /// How many connections began with polling and are still there.
    pub fn polled(&self) -> usize {
        self.0.registry.len()
    }

    /// Takes one request, whatever it is.
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
