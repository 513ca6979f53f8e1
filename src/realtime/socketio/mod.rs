//! Socket.IO above any Engine.IO connection: namespaces, each with a socket of its own.
//!
//! A connection has a hall that reads it. Whoever wants into a namespace knocks at its door; behind an open door a socket
//! gets the namespace's packets, and speaks by the connection's outbox. What the doors lead to is not known here:
//! sessions in the server, echoes in the conformance example.

mod client;
mod connect;
mod socket;

pub use client::{ClientLimits, serve};
pub(super) use connect::SessionConnector;
pub use socket::{Socket, SocketEvent};

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::protocol::close::CloseReason;

/// Somebody wants into a namespace.
pub struct ConnectRequest {
    /// Its name, as the client wrote it.
    pub namespace: String,
    /// What the client shows.
    pub auth: Option<Box<RawValue>>,
    /// What it gets.
    pub socket: Socket,
}

/// The door is open.
pub struct Accepted {
    /// The socket's name.
    pub sid: String,
    /// Goes in: called once the client has been told.
    pub start: Box<dyn FnOnce()>,
}

/// The door stays shut.
pub enum ConnectError {
    /// For a reason that the client can do something about.
    Refused {
        /// Why, as the client's `connect_error` says it.
        message: Cow<'static, str>,
        /// Why, for programs, where that helps them.
        code: Option<&'static str>,
    },
    /// The client had better come back. After a `connect_error` its library would not, and after the loss of the
    /// connection it does.
    Later(CloseReason),
}

/// Where the namespaces of a connection lead.
pub trait ConnectHandler {
    /// Lets somebody in or not. Until that is decided, nothing else of the connection is read.
    fn connect(&mut self, connect: ConnectRequest) -> impl Future<Output = Result<Accepted, ConnectError>>;
}
