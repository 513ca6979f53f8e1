//! Engine.IO, revision 4: the packets below Socket.IO, in WebSocket messages or HTTP bodies.
//!
//! Own code and not `engineioxide-core`, which does not bound the packets of a payload and brings an HTTP
//! stack of its own.

mod open;
mod packet;
mod payload;

pub(crate) use open::Open;
pub(crate) use packet::{CLOSE, NOOP, PING, PROBED, Packet};
pub use payload::PayloadLimits;
pub(crate) use payload::{from_frames, read_payload};

#[cfg(test)]
mod tests;
