//! What the server says.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Correlation;
use crate::clock::Timestamp;
use crate::ids::{ConnectionId, LoginId, MessageId, ProjectId, Room, Seq, UserId};

/// One thing the server says, whatever dialect it goes out in.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// The first notice of every session: who it is and how long that holds.
    ConnectionEstablished(Box<Established>),
    /// Something happened in a room.
    Event(Event),
    /// Somebody came to a room or left it.
    Presence {
        /// The room.
        room: Room,
        /// Who, and which.
        #[serde(flatten)]
        change: PresenceChange,
    },
    /// Somebody is writing. Not stored.
    Typing {
        /// The room.
        room: Room,
        /// Who.
        by: UserId,
    },
    /// A request was carried out.
    Ack {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
        /// What it gave.
        #[serde(flatten)]
        body: AckBody,
    },
    /// A request was refused, or input was malformed. The session goes on.
    Error {
        /// The request's id, where there was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: Arc<str>,
        /// Seconds after which trying again makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// The token ends soon: `refresh` with a fresh one, or be closed.
    TokenExpiring {
        /// When.
        expires_at: Timestamp,
    },
    /// The server is about to close this connection.
    Disconnecting {
        /// Why: the name of a close reason.
        reason: &'static str,
        /// The same for people, in dialects that cannot close with a reason.
        #[serde(skip)]
        message: &'static str,
        /// When coming back makes sense, in milliseconds; absent when it makes none.
        #[serde(skip_serializing_if = "Option::is_none")]
        reconnect_in_ms: Option<u64>,
    },
    /// Answer to `ping`.
    Pong {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
    },
}

impl Notice {
    /// The notice's name as it stands in `type` and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConnectionEstablished(_) => "connection_established",
            Self::Event(_) => "event",
            Self::Presence { .. } => "presence",
            Self::Typing { .. } => "typing",
            Self::Ack { .. } => "ack",
            Self::Error { .. } => "error",
            Self::TokenExpiring { .. } => "token_expiring",
            Self::Disconnecting { .. } => "disconnecting",
            Self::Pong { .. } => "pong",
        }
    }
}

/// Who a session is, and how long that holds.
#[derive(Debug, Clone, Serialize)]
pub struct Established {
    /// The connection, as the server's logs name it.
    pub session_id: ConnectionId,
    /// The user.
    pub user_id: UserId,
    /// The user's own address; sent to nobody else.
    pub user_email: Arc<str>,
    /// The user's role.
    pub role: &'static str,
    /// The user's plan, which decides the limits.
    pub plan: &'static str,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// How often the server pings, in seconds.
    pub heartbeat_s: u64,
    /// The server's time.
    pub timestamp: Timestamp,
    /// What the plan lets the user do.
    pub limits: Limits,
    /// Which client of which board this is, where the connection was made to a board.
    #[serde(flatten)]
    pub board: Option<OnBoard>,
    /// What the token says beside that; only Socket.IO's clients are told.
    #[serde(skip)]
    pub token: TokenClaims,
}

/// The names by which a token and what it came from can be taken back. None of them is a secret.
#[derive(Debug, Clone, Serialize)]
pub struct TokenClaims {
    /// The token's own.
    pub jti: String,
    /// The login that it came from.
    pub sid: Option<LoginId>,
    /// Its issuer, when that is not us.
    pub iss: Option<Arc<str>>,
}

/// What a plan lets its users do live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Sessions of one user at once.
    pub connections: usize,
    /// Messages a second from one session, and as many at once.
    pub messages_per_second: u32,
    /// Rooms that one session may be in.
    pub rooms: usize,
    /// Simulations of one user that wait or run at once.
    pub simulations: u32,
}

/// A client of a project's board.
#[derive(Debug, Clone, Serialize)]
pub struct OnBoard {
    /// The client's own name for itself, or the one that it was given.
    pub client_id: Arc<str>,
    /// Whose board it is.
    pub project_id: ProjectId,
}

/// A fact of a room's log, as its members see it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The room.
    pub room: Room,
    /// Its position there.
    pub seq: Seq,
    /// What happened: `<noun>.<past verb>`.
    pub kind: Arc<str>,
    /// The event's own fields.
    pub data: Arc<RawValue>,
    /// Who did it; absent for the system.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// Who came or left.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceChange {
    /// This user's first connection joined the room.
    Joined(UserId),
    /// This user's last connection left the room.
    Left(UserId),
}

/// What a request gave.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum AckBody {
    /// Nothing but that it was done.
    Done {},
    /// To `join`.
    Joined(Joined),
    /// To `chat_message`: the message is durable.
    Sent {
        /// Its position in the room.
        seq: Seq,
        /// The message's id; `id` is the request's.
        message_id: MessageId,
        /// The client's own name for the message, for clients that sent no `id`.
        client_msg_id: String,
        /// When it was said.
        at: Timestamp,
    },
    /// To `history`.
    History {
        /// Oldest first.
        events: Vec<Event>,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// To `presence`.
    Presence {
        /// Each member once, however many connections it has.
        members: Vec<UserId>,
    },
    /// To `refresh`.
    Refreshed {
        /// When the new token ends.
        expires_at: Timestamp,
    },
}

/// Where a joining member stands.
#[derive(Debug, Clone, Serialize)]
pub struct Joined {
    /// The room.
    pub room: Room,
    /// The room's newest position; every event after it will follow.
    pub head: Seq,
    /// Whether `events` has everything after `since`. When false, the client has missed some: read `history`.
    pub recovered: bool,
    /// What happened after `since`, oldest first; absent when the client did not resume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

/// Why a request was refused, for programs. One word each, stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No JSON object, or no text.
    Malformed,
    /// No such `type`.
    UnknownType,
    /// A field is missing or wrong.
    Invalid,
    /// The caller has no standing for it.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The state does not allow it.
    Conflict,
    /// The room must be joined first.
    NotJoined,
    /// The session is in as many rooms as it may be.
    TooManyRooms,
    /// Too fast; `retry_after` says when.
    RateLimited,
    /// The token of a `refresh` is not good.
    InvalidToken,
    /// The server has more to do than it can; try again.
    Busy,
    /// Our fault.
    Internal,
}

impl ErrorCode {
    /// The code as it is written and counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownType => "unknown_type",
            Self::Invalid => "invalid",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::NotJoined => "not_joined",
            Self::TooManyRooms => "too_many_rooms",
            Self::RateLimited => "rate_limited",
            Self::InvalidToken => "invalid_token",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
