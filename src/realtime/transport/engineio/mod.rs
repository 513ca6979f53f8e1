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

mod answer;
mod arrival;
mod courier;
mod directory;
mod heartbeat;
mod messages;
mod polling;
mod upgrade;
mod wire;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::{LinkLimits, Wire};
use crate::realtime::hub::Outbox;
use crate::realtime::protocol::engineio::PayloadLimits;

pub use arrival::Opening;
pub use messages::Messages;

use arrival::Arrival;
use directory::Directory;

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
    pub link: LinkLimits,
}

/// A connection that is open, as whoever speaks over it gets it.
pub struct Connection {
    /// What the client says.
    pub messages: Messages,
    /// What is said to it: WebSocket frames of Engine.IO packets.
    pub outbox: Outbox,
    /// To end it by.
    pub wire: Rc<dyn Wire>,
}

/// The connections of one address. Shared by all worker threads.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    limits: EngineLimits,
    directory: Directory,
    /// Each connection has one more of it.
    alive: Arc<()>,
}

/// What a request came to.
pub enum Received {
    /// It wants a connection of its own: open it or refuse it.
    Opening(Opening),
    /// It was one of a connection's requests and has this answer.
    Answered(HttpResponse),
}

impl Engine {
    /// No connections yet.
    pub fn new(limits: EngineLimits) -> Self {
        Self(Arc::new(Inner { limits, directory: Directory::default(), alive: Arc::default() }))
    }

    /// How many connections there are, in a namespace or not.
    pub fn connections(&self) -> usize {
        Arc::strong_count(&self.0.alive) - 1
    }

    /// How many connections began with polling and are still there.
    pub fn polled(&self) -> usize {
        self.0.directory.len()
    }

    /// Takes one request, whatever it is.
    pub async fn receive(&self, request: &HttpRequest, payload: Payload) -> Received {
        match arrival::read(request, &self.0.directory) {
            Err(refused) => Received::Answered(refused.answer()),
            Ok(Arrival::Open(transport)) => match Opening::new(self, request, payload, transport) {
                Ok(opening) => Received::Opening(opening),
                Err(answer) => Received::Answered(answer),
            },
            Ok(Arrival::Poll(line)) => Received::Answered(polling::poll(line, request).await),
            Ok(Arrival::Post(line)) => {
                Received::Answered(polling::post(line, payload, request, &self.0.limits).await)
            }
            Ok(Arrival::Upgrade(line)) => {
                Received::Answered(upgrade::upgrade(line, request, payload, &self.0.limits).await)
            }
        }
    }
}
