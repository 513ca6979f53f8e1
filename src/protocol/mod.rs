//! The protocol of live connections: clients send [`Command`]s, the server sends [`Notice`]s; both are closed
//! enums.
//!
//! Everything here is pure (bytes to values and back) and depends only on ids, time and strict JSON, so that
//! codecs can be tested with literal strings and fuzzed. A [`Dialect`] only encodes these values; it adds no
//! meaning.

mod assistant;
pub(crate) mod board;
mod board_notice;
pub mod close;
mod command;
mod correlation;
pub mod engineio;
mod fields;
pub mod frame;
mod frames;
mod greeting;
pub(crate) mod json;
mod notice;
mod metrics;
mod signal;
mod simulation;
pub mod socketio;

use bytes::Bytes;

pub(crate) use assistant::{AnswerIds, QuotaWarning, TextFailure};
pub(crate) use board::{BoardCommand, OnProject};
pub(crate) use board_notice::{BoardAnswer, BoardClient, TaskFocus};
pub(crate) use command::{Command, Malformed, Request, WantedPlan};
pub(crate) use correlation::Correlation;
pub(crate) use frame::{close_frame, pong_frame};
pub(crate) use frames::{Direction, RecordedFrame, RecordedFrames};
pub(crate) use greeting::{Established, Limits, OnBoard, TokenClaims, Whoami};
pub(crate) use metrics::MetricsSnapshot;
pub(crate) use notice::{AckBody, ErrorCode, Joined, PresenceChange};
pub use notice::{Event, Notice};
pub(crate) use signal::{SignalData, Topic};
pub(crate) use simulation::{Interval, PartialEstimates};
pub(crate) use socketio::Namespace;

/// An encoding of commands and notices.
///
/// The hub encodes each notice once per dialect and shares the bytes with all members that use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON text frames over a plain WebSocket (`/ws`).
    Json,
    /// Events of a Socket.IO namespace (`/socket.io/`), as text frames of Engine.IO's WebSocket transport.
    ///
    /// Also while the client is polling: the transport then strips the frame headers when it answers a poll.
    /// So a client may upgrade to WebSocket at any moment without the hub knowing.
    SocketIo(Namespace),
}

impl Dialect {
    /// Every dialect, for tables indexed by [`Dialect::index`].
    pub(crate) const ALL: [Dialect; 3] =
        [Dialect::Json, Dialect::SocketIo(Namespace::Main), Dialect::SocketIo(Namespace::Admin)];

    /// The dialect's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::SocketIo(_) => "socket.io",
        }
    }

    /// Position in [`Dialect::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::SocketIo(Namespace::Main) => 1,
            Self::SocketIo(Namespace::Admin) => 2,
        }
    }
}

/// The complete WebSocket frames of `notice` in this dialect; for [`Dialect::Json`] exactly one.
///
/// Complete frames, because they are shared: what is encoded once is written to every member's socket without
/// a copy.
pub fn encode(dialect: Dialect, notice: &Notice) -> Bytes {
    match dialect {
        Dialect::Json => frame::text(|payload| json::write(notice, payload)),
        Dialect::SocketIo(namespace) => socketio::write(namespace, notice),
    }
}

/// Parses one request in this dialect.
pub(crate) fn decode(dialect: Dialect, text: &str) -> Result<Request, Malformed> {
    match dialect {
        Dialect::Json => json::decode(text),
        Dialect::SocketIo(_) => socketio::read_event(text),
    }
}
