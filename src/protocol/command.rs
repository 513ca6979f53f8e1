//! The commands of clients.

use super::{Correlation, ErrorCode, OnProject};
use serde::Deserialize;

use crate::ids::{ConversationId, EntryId, Room, Seq, SimulationId};
use crate::secret::Secret;

/// One command of a client, in any dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Subscribe to a room's events; with `since`, missed events come first.
    Join {
        /// The room to join.
        room: Room,
        /// The last position that the client has, when it resumes.
        since: Option<Seq>,
    },
    /// Subscribe to a conversation with the assistant.
    JoinChat {
        /// The conversation; when absent, the caller's own, which is created if there is none.
        conversation: Option<ConversationId>,
        /// As for `Join`.
        since: Option<Seq>,
    },
    /// Unsubscribe from a room.
    Leave {
        /// The room to leave.
        room: Room,
    },
    /// Send a chat message.
    ChatMessage {
        /// The room of the chat session.
        room: Room,
        /// The message's text.
        text: Secret<String>,
        /// The client's own id for this message. Sending the same id again is the same message, however often
        /// it is sent. A client that gives none cannot retry.
        client_msg_id: Option<String>,
    },
    /// Tell the room's other members that the caller is typing. Not stored.
    Typing {
        /// A room where people write to each other.
        room: Room,
    },
    /// Record how far the caller has read.
    Read {
        /// The room that was read.
        room: Room,
        /// The last position that was read.
        seq: Seq,
    },
    /// Fetch a page of a room's events, newest last.
    History {
        /// The room to read.
        room: Room,
        /// Only events before this position; the newest events when absent.
        before: Option<Seq>,
        /// Maximum number of events.
        limit: Option<u32>,
    },
    /// List the users in a room.
    Presence {
        /// The room to list.
        room: Room,
    },
    /// Continue the session with a new token of the same user.
    Refresh {
        /// The new token.
        token: Secret<String>,
    },
    /// Follow the reflection on a journal entry; without one, it begins to be written.
    Reflect {
        /// The entry; on the endpoint of an entry it may be absent.
        entry: Option<EntryId>,
    },
    /// Begin a new reflection on a journal entry.
    Regenerate {
        /// As for `Reflect`.
        entry: Option<EntryId>,
    },
    /// Cancel the reflection that is being written.
    Cancel {
        /// As for `Reflect`.
        entry: Option<EntryId>,
    },
    /// Start a simulation and join its room.
    Run(RunSimulation),
    /// Cancel a simulation.
    CancelSimulation {
        /// The simulation.
        simulation: SimulationId,
    },
    /// Something about a project's board.
    Board(Box<OnProject>),
    /// Ask who the session belongs to by its newest token, and what the plan allows.
    Whoami,
    /// Ask whether the session is alive; answered with `pong`.
    Ping,
}

impl Command {
    /// The command's name in `type`, in logs and in metrics.
    pub(crate) fn name(&self) -> &'static str {
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
            Self::Reflect { .. } => "reflect",
            Self::Regenerate { .. } => "regenerate",
            Self::Cancel { .. } | Self::CancelSimulation { .. } => "cancel",
            Self::Run(_) => "run",
            Self::Board(on_project) => on_project.command.name(),
            Self::Whoami => "whoami",
            Self::Ping => "ping",
        }
    }
}

/// Input of a simulation; the use case checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunSimulation {
    /// The market.
    pub(crate) category: String,
    /// The provider's price: a secret of the provider.
    pub(crate) base_price: Secret<Amount>,
    /// What others charge on average.
    pub(crate) reference_price: Option<Amount>,
    /// Days of a run.
    pub(crate) steps: Option<u32>,
    /// Independent runs.
    pub(crate) runs: Option<u32>,
    /// Seed of the random numbers.
    pub(crate) seed: Option<u32>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Amount {
    /// Minor units.
    pub(crate) amount: i64,
    /// ISO 4217 code.
    pub(crate) currency: String,
}

/// A command and its correlation id.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Echoed in the answer. Without it, only answers that carry data are sent.
    pub id: Option<Correlation>,
    /// The command to run.
    pub(crate) command: Command,
}

/// Input that is not a valid request.
#[derive(Debug, Clone)]
pub(crate) struct Malformed {
    /// The request's id, if it could be read.
    pub(crate) id: Option<Correlation>,
    /// The kind of mistake.
    pub(crate) code: ErrorCode,
    /// What is wrong and what would be right, for the client's developer.
    pub(crate) message: String,
}
