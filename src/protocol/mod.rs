//! What is said over a live connection: [`Command`]s come in, [`Notice`]s go out, both closed enums.
//!
//! Everything here is pure (bytes to values and back) and depends on nothing of ours but ids and time, so
//! that a codec can be tested with literal strings and fuzzed. A [`Dialect`] only spells these values; it
//! adds no meaning.

pub mod close;
mod command;
mod correlation;
pub mod engineio;
mod fields;
pub mod frame;
pub mod json;
mod notice;
pub mod socketio;

use bytes::Bytes;

pub use command::{Command, Malformed, Private, Request};
pub use correlation::Correlation;
pub use frame::{close_frame, pong_frame};
pub use notice::{
    AckBody, ErrorCode, Established, Event, Joined, Limits, Notice, OnBoard, PresenceChange, TokenClaims,
};
pub use socketio::Namespace;

/// How a connection spells commands and notices.
///
/// The hub encodes each notice once per dialect and hands the same bytes to all members that speak it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON text frames over a plain WebSocket (`/ws`).
    Json,
    /// Events of a Socket.IO namespace (`/socket.io/`), as text frames of Engine.IO's WebSocket transport.
    ///
    /// Also while the client is polling: its transport takes the frames off when it has somebody to give them to, so that
    /// a client may change to WebSocket at any moment and the hub need not know.
    SocketIo(Namespace),
}

impl Dialect {
    /// Every dialect, for tables indexed by [`Dialect::index`].
    pub const ALL: [Dialect; 3] =
        [Dialect::Json, Dialect::SocketIo(Namespace::Main), Dialect::SocketIo(Namespace::Admin)];

    /// Position in [`Dialect::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::SocketIo(Namespace::Main) => 1,
            Self::SocketIo(Namespace::Admin) => 2,
        }
    }
}

/// The complete bytes of `notice` as this dialect puts them on the wire: WebSocket text frames, for
/// [`Dialect::Json`] exactly one.
///
/// Complete frames, because they are shared: what is encoded once is written to every member's socket without
/// a copy.
pub fn encode(dialect: Dialect, notice: &Notice) -> Bytes {
    match dialect {
        Dialect::Json => frame::text(|payload| json::write(notice, payload)),
        Dialect::SocketIo(namespace) => socketio::write(namespace, notice),
    }
}

/// Reads one request as this dialect writes it.
pub fn decode(dialect: Dialect, text: &str) -> Result<Request, Malformed> {
    match dialect {
        Dialect::Json => json::decode(text),
        Dialect::SocketIo(_) => socketio::read_event(text),
    }
}
