//! The interface between a transport and a session.
//!
//! A transport gives a session three things and nothing else: a stream of [`Inbound`], the
//! [`Outbox`](crate::hub::Outbox) that its response body drains, and a [`ConnectionHandle`] to end the
//! connection with. The session cannot tell which transport it is on.
//!
//! The session is not the response body: a body is polled only while the client reads, but a session must
//! continue, and be able to end, when the client does not.

use crate::protocol::close::CloseReason;

/// What a session receives from its client.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A sign that the client is alive, without a message.
    Alive,
    /// The client violated the protocol below messages: close with this reason.
    Fault(CloseReason),
    /// The client has closed or is disconnected; the stream ends.
    Gone,
}

/// Ends a session's connection, and tells whether it is ending.
pub trait ConnectionHandle {
    /// Closes the connection: frames in the outbox are sent, then the reason as the endpoint encodes it, and
    /// after a bounded wait for the client the socket is shut down. Further calls have no effect.
    fn close(&self, reason: CloseReason);

    /// Ends the connection because the client asked for it: as [`ConnectionHandle::close`], but without a
    /// reason of the server.
    fn end(&self);

    /// Ends the connection at once, without waiting for frames or the client.
    fn abort(&self);

    /// Whether the connection is ending, from either side.
    fn is_closing(&self) -> bool;

    /// Why the server closed it; `None` while it is open, and if the client ended it.
    fn close_reason(&self) -> Option<CloseReason>;
}
