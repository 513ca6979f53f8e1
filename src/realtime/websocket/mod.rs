//! Plain WebSocket: handshake, frame decoder, and the two halves of a connection. The only files that name the web
//! server's WebSocket support.

mod body;
mod connection;
mod decoder;
pub mod handshake;
mod reader;

pub use connection::ConnectionLimits;
pub use decoder::FrameLimits;
pub use reader::Reader;
