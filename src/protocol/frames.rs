//! What admins are told of the frames of a connection: never what is in them.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, Seq};

/// Frames of one connection since the last notice.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedFrames {
    /// The connection.
    pub(crate) connection_id: ConnectionId,
    /// Whether it is live on this server.
    pub(crate) is_live: bool,
    /// Frames that were not kept since the recording began, because too many came at once.
    pub(crate) dropped: u64,
    /// Oldest first.
    pub(crate) frames: Vec<RecordedFrame>,
}

/// A frame without its contents.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordedFrame {
    /// Its number in the recording: 1, 2, …. A number that is missing was dropped.
    pub(crate) number: u64,
    /// When it was received, or put into the outbox.
    pub(crate) at: Timestamp,
    /// Which way it went.
    pub(crate) direction: Direction,
    /// The command's or the notice's name.
    pub(crate) kind: &'static str,
    /// The room that it is about; of private rooms only their kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<String>,
    /// Its position in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<Seq>,
    /// Its length.
    pub(crate) bytes: usize,
    /// For an answer: microseconds since its command was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_us: Option<u64>,
}

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}
