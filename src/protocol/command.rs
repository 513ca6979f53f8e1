//! What clients may ask for.

use std::fmt;

use super::{Correlation, ErrorCode};
use crate::ids::{ConversationId, Room, Seq};

/// One thing a client asks for, whatever dialect it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Hear a room's events from now on, and those after `since` first.
    Join {
        /// The room.
        room: Room,
        /// The last position that the client has seen, when it resumes.
        since: Option<Seq>,
    },
    /// Hear a conversation with the assistant.
    JoinChat {
        /// Which; when absent the caller's own, which there is from then on.
        conversation: Option<ConversationId>,
        /// As for `Join`.
        since: Option<Seq>,
    },
    /// Stop hearing a room.
    Leave {
        /// The room.
        room: Room,
    },
    /// Say something in a session's chat.
    ChatMessage {
        /// The session's room.
        room: Room,
        /// What is said.
        text: Private,
        /// The client's own name for this message: the same name again is the same message, however often it
        /// is sent. A client that names none cannot send it again.
        client_msg_id: Option<String>,
    },
    /// Tell the room's other members that the caller is writing. Not stored.
    Typing {
        /// The room.
        room: Room,
    },
    /// Remember how far the caller has read.
    Read {
        /// The room.
        room: Room,
        /// The last position read.
        seq: Seq,
    },
    /// A page of a room's events, newest last.
    History {
        /// The room.
        room: Room,
        /// Only events before this position; the newest when absent.
        before: Option<Seq>,
        /// How many at most.
        limit: Option<u32>,
    },
    /// Who is in a room.
    Presence {
        /// The room.
        room: Room,
    },
    /// Go on with a fresh token of the same user.
    Refresh {
        /// The token.
        token: Private,
    },
    /// Is anyone there?
    Ping,
}

impl Command {
    /// The command's name as it stands in `type`, in logs and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::JoinChat { .. } => "join_chat",
            Self::Leave { .. } => "leave",
            Self::ChatMessage { .. } => "chat_message",
            Self::Typing { .. } => "typing",
            Self::Read { .. } => "read",
            Self::History { .. } => "history",
            Self::Presence { .. } => "presence",
            Self::Refresh { .. } => "refresh",
            Self::Ping => "ping",
        }
    }
}

/// A command and the name under which its answer is awaited.
#[derive(Debug, Clone)]
pub struct Request {
    /// Echoed in the answer; without one, only answers that carry data are sent.
    pub id: Option<Correlation>,
    /// What is asked for.
    pub command: Command,
}

/// Text that must never reach a log line: tokens, and what people write to each other.
#[derive(Clone, PartialEq, Eq)]
pub struct Private(pub String);

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

/// Input that is no request; what is wrong with it, in words for the client's developer.
#[derive(Debug, Clone)]
pub struct Malformed {
    /// The request's id, where it could be read.
    pub id: Option<Correlation>,
    /// What sort of mistake.
    pub code: ErrorCode,
    /// What is wrong, and what would be right.
    pub message: String,
}
