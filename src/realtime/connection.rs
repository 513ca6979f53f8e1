//! What a transport gives a session, whichever it is.
//!
//! A transport gives a session three things and nothing else: a stream of [`Inbound`], the
//! [`Outbox`](crate::hub::Outbox) that its response body drains, and a [`ConnectionHandle`] to end the connection by. The
//! session cannot tell which transport it is on.
//!
//! The session is not the response body: a body is polled only while the client reads, and a session must go
//! on living, and be able to end, when the client does not.

use crate::protocol::close::CloseReason;

/// What reaches a session from its client.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// No message, but a sign of life.
    Alive,
    /// The client does not keep to the protocol below messages: close with this.
    Fault(CloseReason),
    /// The client has closed or is gone; the stream ends.
    Gone,
}

/// The session's hold on its connection.
pub trait ConnectionHandle {
    /// Ends it: what waits in the outbox goes out, then the reason in the endpoint's spelling, and after a
    /// bounded wait for the client the connection is shut. Closing again changes nothing.
    fn close(&self, reason: CloseReason);

    /// Ends it because the client asked for that: as [`ConnectionHandle::close`], but for no reason of ours.
    fn end(&self);

    /// Ends it now, whatever waits and whoever does not read.
    fn abort(&self);

    /// Whether the connection is ending, from either side.
    fn is_closing(&self) -> bool;

    /// Why we ended it; `None` while it is open, and when the client ended it.
    fn close_reason(&self) -> Option<CloseReason>;
}
