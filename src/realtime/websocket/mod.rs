//! Plain WebSocket: handshake, frame decoder, and the two halves of a connection. Only files in this module
//! name the web server's WebSocket support, and none of them knows sessions or commands.

mod body;
mod connection;
mod decoder;
pub mod handshake;
mod reader;

pub use connection::ConnectionLimits;
pub use decoder::FrameLimits;
pub(crate) use reader::Reader;
