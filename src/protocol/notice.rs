//! The notices of the server, answers to commands included.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::board_notice::{BoardAnswer, BoardClient, TaskFocus};
use super::{
    AnswerIds, Correlation, Established, MetricsSnapshot, PartialEstimates, QuotaWarning, RecordedFrames,
    SignalData, TextFailure, Topic, Whoami,
};
use crate::clock::Timestamp;
use crate::ids::{
    ConversationId, EntryId, MasterplanId, MessageId, ReflectionId, Room, Seq, SimulationId, UserId,
};

/// One notice, in any dialect.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// The first notice of every session: the user, the limits, and when the token expires.
    ConnectionEstablished(Box<Established>),
    /// An event of a room's log.
    Event(Event),
    /// A user came to a room or left it.
    Presence {
        /// The room concerned.
        room: Room,
        /// The user, and whether they came or left.
        #[serde(flatten)]
        change: PresenceChange,
    },
    /// A user is typing. Not stored.
    Typing {
        /// The room where the user is typing.
        room: Room,
        /// The user who is typing.
        by: UserId,
    },
    /// A value that a member tells the others; the newest of a user and topic counts. Not stored.
    Signal {
        /// The room.
        room: Room,
        /// The user who told it.
        by: UserId,
        /// What it is about.
        topic: Topic,
        /// The value.
        data: SignalData,
    },
    /// A request was carried out.
    Ack {
        /// The request's id; `None` if it had none.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
        /// The result.
        #[serde(flatten)]
        body: AckBody,
    },
    /// A request was refused, or a message was malformed. The session continues.
    Error {
        /// The request's id; `None` if it had none.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
        /// The error, for programs.
        code: ErrorCode,
        /// The error, for people.
        message: Arc<str>,
        /// Seconds after which a retry makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// A change was refused, since the client has not seen the newest version. The session continues.
    #[serde(rename = "error")]
    Conflict {
        /// The request's id; `None` if it had none.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
        /// The error, for programs.
        code: ErrorCode,
        /// The error, for people.
        message: Arc<str>,
        /// What was to be changed, as it is now.
        current: Arc<RawValue>,
    },
    /// A reflection on a journal entry begins; what came of an earlier one no longer counts.
    #[serde(rename = "start")]
    ReflectionStarted {
        /// The entry.
        entry_id: EntryId,
        /// The reflection.
        reflection_id: ReflectionId,
    },
    /// The reflection waits for others to be written.
    #[serde(rename = "waiting")]
    ReflectionWaiting {
        /// The entry.
        entry_id: EntryId,
        /// Its place in line; 1 is next.
        place: usize,
    },
    /// The next piece of the reflection.
    #[serde(rename = "chunk")]
    ReflectionChunk {
        /// The entry.
        entry_id: EntryId,
        /// The piece.
        text: String,
    },
    /// The reflection is whole and stored.
    #[serde(rename = "done")]
    ReflectionDone {
        /// The entry.
        entry_id: EntryId,
        /// The reflection.
        reflection_id: ReflectionId,
    },
    /// The reflection has failed, and nothing was stored. The session continues.
    #[serde(rename = "error")]
    ReflectionFailed {
        /// The entry.
        entry_id: EntryId,
        /// The failure, for programs.
        code: &'static str,
        /// The failure, for people.
        message: &'static str,
        /// Seconds after which a retry makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// An answer of the assistant begins; what came of an earlier one that did not become `done` no longer
    /// counts.
    #[serde(rename = "answer.start")]
    AnswerStarted {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
    },
    /// The answer waits for other texts to be written.
    #[serde(rename = "answer.waiting")]
    AnswerWaiting {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
        /// Its place in line; 1 is next.
        place: usize,
    },
    /// The next piece of the answer.
    #[serde(rename = "answer.chunk")]
    AnswerChunk {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
        /// The piece.
        text: String,
    },
    /// The answer is whole and stored: it is an event of the room.
    #[serde(rename = "answer.done")]
    AnswerDone {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
        /// Its position in the room.
        seq: Seq,
    },
    /// The answer has failed, and nothing was stored. The session continues.
    #[serde(rename = "answer.error")]
    AnswerFailed {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
        /// Why.
        #[serde(flatten)]
        failure: TextFailure,
    },
    /// No masterplan was written, and nothing was stored. The session continues.
    #[serde(rename = "masterplan.error")]
    MasterplanFailed {
        /// The conversation.
        conversation_id: ConversationId,
        /// The id that it would have had.
        masterplan_id: MasterplanId,
        /// Why.
        #[serde(flatten)]
        failure: TextFailure,
    },
    /// What a member of a board looks at or edits. Not stored.
    Focus {
        /// The board's room.
        room: Room,
        /// Who, and which task.
        #[serde(flatten)]
        focus: TaskFocus,
    },
    /// A client opened a board, on the endpoint of boards.
    ClientJoined(BoardClient),
    /// A client closed a board, on the endpoint of boards.
    ClientLeft(BoardClient),
    /// How far a simulation is. Not stored.
    #[serde(rename = "simulation.progress")]
    SimulationProgress {
        /// The simulation.
        simulation_id: SimulationId,
        /// Runs that are computed.
        done: u32,
        /// All runs.
        total: u32,
        /// What the runs so far bring, once there are two.
        #[serde(flatten)]
        estimates: Option<PartialEstimates>,
    },
    /// What this server is doing, to the members of `metrics`. Not stored.
    Metrics(Box<MetricsSnapshot>),
    /// What a connection sends and is sent, to the members of its room `recorder:`. Not stored.
    Frames(Box<RecordedFrames>),
    /// The token is about to expire: the client must `refresh` with a new one, or the session will be closed.
    TokenExpiring {
        /// When the token expires.
        expires_at: Timestamp,
    },
    /// The server is about to close this connection.
    Disconnecting {
        /// The name of the close reason.
        reason: &'static str,
        /// The reason for people, in dialects that cannot close with a text.
        #[serde(skip)]
        message: &'static str,
        /// Milliseconds after which to reconnect; absent if reconnecting makes no sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        reconnect_in_ms: Option<u64>,
    },
    /// The answer to `ping`.
    Pong {
        /// The request's id; `None` if it had none.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Correlation>,
    },
}

impl Notice {
    /// The notice's name in `type` and in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ConnectionEstablished(_) => "connection_established",
            Self::Event(_) => "event",
            Self::Presence { .. } => "presence",
            Self::Typing { .. } => "typing",
            Self::Signal { .. } => "signal",
            Self::Ack { .. } => "ack",
            Self::Error { .. } | Self::Conflict { .. } => "error",
            Self::ReflectionStarted { .. } => "reflection.start",
            Self::ReflectionWaiting { .. } => "reflection.waiting",
            Self::ReflectionChunk { .. } => "reflection.chunk",
            Self::ReflectionDone { .. } => "reflection.done",
            Self::ReflectionFailed { .. } => "reflection.error",
            Self::AnswerStarted { .. } => "answer.start",
            Self::AnswerWaiting { .. } => "answer.waiting",
            Self::AnswerChunk { .. } => "answer.chunk",
            Self::AnswerDone { .. } => "answer.done",
            Self::AnswerFailed { .. } => "answer.error",
            Self::MasterplanFailed { .. } => "masterplan.error",
            Self::Focus { .. } => "focus",
            Self::ClientJoined(_) => "client_joined",
            Self::ClientLeft(_) => "client_left",
            Self::SimulationProgress { .. } => "simulation.progress",
            Self::Metrics(_) => "metrics",
            Self::Frames(_) => "frames",
            Self::TokenExpiring { .. } => "token_expiring",
            Self::Disconnecting { .. } => "disconnecting",
            Self::Pong { .. } => "pong",
        }
    }
}

impl Notice {
    /// The room and the position that the notice tells.
    pub(crate) fn place(&self) -> (Option<&Room>, Option<Seq>) {
        match self {
            Self::Event(event) => (Some(&event.room), Some(event.seq)),
            Self::Ack { body: AckBody::Joined(joined), .. } => (Some(&joined.room), Some(joined.head)),
            Self::Ack { body: AckBody::Sent { seq, .. }, .. } => (None, Some(*seq)),
            Self::Presence { room, .. } | Self::Typing { room, .. } | Self::Signal { room, .. } => {
                (Some(room), None)
            }
            _ => (None, None),
        }
    }
}

/// An event of a room's log, as members receive it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The room of the event.
    pub room: Room,
    /// Position of the event in the room.
    pub seq: Seq,
    /// `<noun>.<past verb>`, such as `offer.accepted`.
    pub kind: Arc<str>,
    /// The event's own fields.
    pub data: Arc<RawValue>,
    /// The user who caused it; absent for the system.
    pub by: Option<UserId>,
    /// When it happened.
    pub at: Timestamp,
}

/// A change of a room's users.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceChange {
    /// The user's first connection joined the room.
    Joined(UserId),
    /// The user's last connection left the room.
    Left(UserId),
}

/// The result of a request.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum AckBody {
    /// No data.
    Done {},
    /// Of `join`.
    Joined(Joined),
    /// Of `chat_message`: the message is committed.
    Sent {
        /// The message's position in the room.
        seq: Seq,
        /// The message's id; the field `id` of an answer is the request's.
        message_id: MessageId,
        /// The client's own id for the message, for clients that sent no request `id`.
        client_msg_id: String,
        /// When the message was sent.
        at: Timestamp,
        /// In a conversation with the assistant: the id that the answer has or will have.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer_id: Option<MessageId>,
        /// What is nearly used up of the plan's quotas, if something is.
        #[serde(skip_serializing_if = "Option::is_none")]
        quota_warning: Option<QuotaWarning>,
    },
    /// Of `create_conversation`.
    Conversation {
        /// The conversation.
        conversation_id: ConversationId,
        /// Its room.
        room: Room,
        /// Its version.
        version: i64,
    },
    /// Of `rename_conversation`.
    Renamed {
        /// The version that it has now.
        version: i64,
    },
    /// Of `masterplan`.
    Planning {
        /// The conversation.
        conversation_id: ConversationId,
        /// The id that the masterplan will have.
        masterplan_id: MasterplanId,
    },
    /// Of `answer`.
    Answering {
        /// Conversation, answer and question.
        #[serde(flatten)]
        answer: AnswerIds,
    },
    /// Of `history`.
    History {
        /// The events, oldest first.
        events: Vec<Event>,
        /// Whether there are older events.
        has_more: bool,
    },
    /// Of `presence`.
    Presence {
        /// The users in the room, each once, however many connections they have.
        members: Vec<UserId>,
        /// What they look at or edit, on a board.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        focus: Vec<TaskFocus>,
    },
    /// To commands about a board.
    Board(BoardAnswer),
    /// To `reflect` and `regenerate`.
    Reflecting {
        /// The entry.
        entry_id: EntryId,
        /// The reflection that begins, to `regenerate`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reflection_id: Option<ReflectionId>,
    },
    /// To `run`.
    Simulating {
        /// The new simulation.
        simulation_id: SimulationId,
        /// Its room, in which the session is from now on.
        room: Room,
    },
    /// To `whoami`.
    Whoami(Box<Whoami>),
    /// To `refresh`.
    Refreshed {
        /// When the new token expires.
        expires_at: Timestamp,
    },
}

/// The state of a room at the time of a join.
#[derive(Debug, Clone, Serialize)]
pub struct Joined {
    /// The room that was joined.
    pub(crate) room: Room,
    /// The room's newest position; every later event will be delivered.
    pub(crate) head: Seq,
    /// Whether `events` is everything after `since`. If false, events are missing that the client must read
    /// with `history`.
    pub(crate) recovered: bool,
    /// The events after `since`, oldest first; absent when the client did not resume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<Vec<Event>>,
}

/// Why a request was refused, for programs. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The message is not text, or not a JSON object.
    Malformed,
    /// The `type` is unknown.
    UnknownType,
    /// A field is missing or wrong.
    Invalid,
    /// The caller has no standing for this.
    Forbidden,
    /// The thing does not exist.
    NotFound,
    /// The current state does not allow it.
    Conflict,
    /// The caller is not a member of the room.
    NotJoined,
    /// The session has reached its plan's limit of rooms.
    TooManyRooms,
    /// Commands come too fast; `retry_after` says when to retry.
    RateLimited,
    /// A quota of the plan is used up for the day; `retry_after` says when the next one begins.
    QuotaExceeded,
    /// The token of a `refresh` was refused.
    InvalidToken,
    /// The server is overloaded; retry.
    Busy,
    /// An internal error of the server.
    Internal,
}

impl ErrorCode {
    /// The code on the wire and in metrics.
    pub(crate) fn name(self) -> &'static str {
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
            Self::QuotaExceeded => "quota_exceeded",
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
