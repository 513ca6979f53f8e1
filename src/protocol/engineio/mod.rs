//! Engine.IO, revision 4: the packets below Socket.IO, in WebSocket messages or HTTP bodies.
//!
//! Own code and not `engineioxide-core`, which does not bound the packets of a payload and brings an HTTP
//! stack of its own.

mod open;
mod packet;
mod payload;

pub use open::Open;
pub use packet::{CLOSE, NOOP, PING, PROBED, Packet, PacketError};
pub use payload::{PayloadLimits, from_frames, read_payload};

#[cfg(test)]
mod tests;
