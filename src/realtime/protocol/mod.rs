//! What is said over a live connection: [`Command`]s come in, [`Notice`]s go out, both closed enums.
//!
//! Everything here is pure (bytes to values and back) and depends on nothing of ours but ids and time, so
//! that a codec can be tested with literal strings and fuzzed. A [`Dialect`] only spells these values; it
//! adds no meaning.

mod command;
mod frame;
pub mod json;
mod notice;

use bytes::Bytes;

pub use command::{Command, Correlation, Malformed, Private, Request};
pub use frame::{close_frame, pong_frame};
pub use notice::{AckBody, ErrorCode, Event, Joined, Notice, PresenceChange};

/// How a connection spells commands and notices.
///
/// The hub encodes each notice once per dialect and hands the same bytes to all members that speak it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON text frames over a plain WebSocket (`/ws`).
    Json,
}

impl Dialect {
    /// Every dialect, for tables indexed by [`Dialect::index`].
    pub const ALL: [Dialect; 1] = [Dialect::Json];

    /// Position in [`Dialect::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Json => 0,
        }
    }
}

/// The complete bytes of `notice` as this dialect puts them on the wire: for [`Dialect::Json`] one WebSocket
/// text frame.
///
/// Complete frames, because they are shared: what is encoded once is written to every member's socket without
/// a copy.
pub fn encode(dialect: Dialect, notice: &Notice) -> Bytes {
    match dialect {
        Dialect::Json => frame::text(|payload| json::write(notice, payload)),
    }
}

/// Reads one request as this dialect writes it.
pub fn decode(dialect: Dialect, text: &str) -> Result<Request, Malformed> {
    match dialect {
        Dialect::Json => json::decode(text),
    }
}
