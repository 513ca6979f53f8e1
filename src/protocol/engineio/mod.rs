//! Engine.IO, revision 4: what is said below Socket.IO, over a WebSocket or in HTTP bodies.
//!
//! Own code and not `engineioxide-core`: that has no bound on a payload's packets, and brings an HTTP stack of its own.

mod open;
mod packet;
mod payload;

pub use open::Open;
pub use packet::{CLOSE, NOOP, PING, PROBED, Packet, PacketError};
pub use payload::{PayloadLimits, from_frames, read_payload};

#[cfg(test)]
mod tests;
