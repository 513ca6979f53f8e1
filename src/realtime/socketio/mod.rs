//! Socket.IO above any Engine.IO connection: namespaces, each with a socket of its own.
//!
//! `client` reads a connection. A client that asks for a namespace is passed to the connection's
//! [`ConnectHandler`]; if that accepts, a [`Socket`] receives the namespace's packets and sends through the
//! connection's outbox. What handlers do with sockets is not known here: in the server they start sessions,
//! in the conformance example they echo.

mod client;
mod connect;
mod socket;

pub use client::{ClientLimits, serve};
pub(super) use connect::SessionConnector;
pub use socket::{Socket, SocketEvent};

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::protocol::close::CloseReason;

/// A client asks to connect to a namespace.
pub struct ConnectRequest {
    /// The namespace's name, as the client wrote it.
    pub namespace: String,
    /// The `auth` payload that the client sent.
    pub auth: Option<Box<RawValue>>,
    /// The socket that the handler gets if it accepts.
    pub socket: Socket,
}

/// The client is connected to the namespace.
pub struct Accepted {
    /// The socket's id, as the client is sent it.
    pub sid: String,
    /// Starts the session; called once the client has been told that it is connected.
    pub start: Box<dyn FnOnce()>,
}

/// The client is not connected to the namespace.
pub enum ConnectError {
    /// For a reason that the client can do something about.
    Refused {
        /// The message of the client's `connect_error`.
        message: Cow<'static, str>,
        /// A code for programs, where that helps them.
        code: Option<&'static str>,
    },
    /// The client should reconnect. The whole connection is closed, because client libraries reconnect after
    /// that but not after a `connect_error`.
    Later(CloseReason),
}

/// Decides who may connect to the namespaces of a connection.
pub trait ConnectHandler {
    /// Accepts or refuses a client. Until it has decided, nothing else of the connection is read.
    fn connect(&mut self, connect: ConnectRequest) -> impl Future<Output = Result<Accepted, ConnectError>>;
}
