//! The commands of clients.

use super::fields::{FieldError, NUMBER, RawFields, missing, optional, position, required};
use super::{Correlation, ErrorCode, OnProject, SignalData, Topic};
use crate::ids::{ConversationId, EntryId, RequestId, Room, Seq, SimulationId};
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
    /// Create a conversation with the assistant.
    CreateConversation {
        /// Its title, if it is to have one at once.
        title: Option<Secret<String>>,
    },
    /// Give a conversation another title.
    RenameConversation {
        /// The conversation.
        conversation: ConversationId,
        /// The new title.
        title: Secret<String>,
        /// The version that the client has seen: the conversation is renamed only if it is the current one.
        version: Option<i64>,
    },
    /// Delete a conversation and everything in it.
    DeleteConversation {
        /// The conversation.
        conversation: ConversationId,
        /// As for `RenameConversation`.
        version: Option<i64>,
    },
    /// Have the newest message of a conversation answered that has no answer.
    Answer {
        /// The conversation.
        conversation: ConversationId,
    },
    /// Have a plan of work drafted in a conversation.
    Masterplan(WantedPlan),
    /// Cancel the answer that is being written in a conversation.
    CancelAnswer {
        /// The conversation.
        conversation: ConversationId,
    },
    /// Unsubscribe from a room.
    Leave {
        /// The room to leave.
        room: Room,
    },
    /// Send a chat message.
    ChatMessage {
        /// The room of the chat session, or of a conversation with the assistant.
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
    /// Tell the room's other members a value of which only the newest counts. Not stored.
    Signal {
        /// As for `Typing`.
        room: Room,
        /// What it is about.
        topic: Topic,
        /// The value.
        data: SignalData,
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
    Run {
        /// Its input as JSON, the same as over REST; the use case reads it. An intended price is a secret.
        scenario: Secret<String>,
    },
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
    /// The command of this name, but those about a board, from its fields and the room that they name.
    pub(super) fn read(
        name: &str,
        fields: &RawFields<'_>,
        room: impl Fn() -> Result<Room, FieldError>,
    ) -> Result<Self, FieldError> {
        Ok(match name {
            "join" => Self::Join { room: room()?, since: position("since", fields.since)? },
            "join_chat" => Self::JoinChat {
                conversation: fields.conversation()?,
                since: position("since", fields.since)?,
            },
            "create_conversation" => Self::CreateConversation {
                title: optional("title", fields.title, "a string")?.map(Secret::new),
            },
            "rename_conversation" => Self::RenameConversation {
                conversation: fields.required_conversation()?,
                title: Secret::new(required("title", fields.title, "a string")?),
                version: fields.version()?,
            },
            "delete_conversation" => Self::DeleteConversation {
                conversation: fields.required_conversation()?,
                version: fields.version()?,
            },
            "masterplan" => Self::Masterplan(WantedPlan {
                conversation: fields.required_conversation()?,
                request: optional("request_id", fields.request_id, "a UUID")?,
                category: optional("category", fields.category, "a string")?,
                title: Secret::new(required("title", fields.title, "a string")?),
                text: Secret::new(required("text", fields.text, "a string")?),
            }),
            "answer" => Self::Answer { conversation: fields.required_conversation()? },
            "leave" => Self::Leave { room: room()? },
            "chat_message" => Self::ChatMessage {
                room: fields.conversation()?.map_or_else(room, |id| Ok(Room::Conversation(id)))?,
                text: Secret::new(required("text", fields.text, "a string")?),
                client_msg_id: optional("client_msg_id", fields.client_msg_id, "a string")?,
            },
            "typing" => Self::Typing { room: room()? },
            "signal" => Self::Signal { room: room()?, topic: fields.topic()?, data: fields.signal_data()? },
            "read" => {
                Self::Read { room: room()?, seq: position("seq", fields.seq)?.ok_or_else(|| missing("seq"))? }
            }
            "history" => Self::History {
                room: room()?,
                before: position("before", fields.before)?,
                limit: optional("limit", fields.limit, NUMBER)?,
            },
            "presence" => Self::Presence { room: room()? },
            "refresh" => Self::Refresh { token: Secret::new(required("token", fields.token, "a string")?) },
            "reflect" => Self::Reflect { entry: fields.entry()? },
            "regenerate" => Self::Regenerate { entry: fields.entry()? },
            "cancel" => match optional("simulation_id", fields.simulation_id, "a UUID")? {
                Some(simulation) => Self::CancelSimulation { simulation },
                None => match fields.conversation()? {
                    Some(conversation) => Self::CancelAnswer { conversation },
                    None => Self::Cancel { entry: fields.entry()? },
                },
            },
            "run" => {
                let scenario = fields.scenario.ok_or_else(|| missing("scenario"))?;
                Self::Run { scenario: Secret::new(scenario.get().to_owned()) }
            }
            "whoami" => Self::Whoami,
            "ping" => Self::Ping,
            other => {
                let other = other.get(..other.floor_char_boundary(32)).unwrap_or_default();
                return Err((ErrorCode::UnknownType, format!("unknown type {other:?}")));
            }
        })
    }

    /// The command's name in `type`, in logs and in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::JoinChat { .. } => "join_chat",
            Self::CreateConversation { .. } => "create_conversation",
            Self::RenameConversation { .. } => "rename_conversation",
            Self::DeleteConversation { .. } => "delete_conversation",
            Self::Answer { .. } => "answer",
            Self::Masterplan(_) => "masterplan",
            Self::Leave { .. } => "leave",
            Self::ChatMessage { .. } => "chat_message",
            Self::Typing { .. } => "typing",
            Self::Signal { .. } => "signal",
            Self::Read { .. } => "read",
            Self::History { .. } => "history",
            Self::Presence { .. } => "presence",
            Self::Refresh { .. } => "refresh",
            Self::Reflect { .. } => "reflect",
            Self::Regenerate { .. } => "regenerate",
            Self::Cancel { .. } | Self::CancelSimulation { .. } | Self::CancelAnswer { .. } => "cancel",
            Self::Run { .. } => "run",
            Self::Board(on_project) => on_project.command.name(),
            Self::Whoami => "whoami",
            Self::Ping => "ping",
        }
    }

    /// Whether it changes nothing, and shows nobody that its sender is there. Exhaustive on purpose: who acts as
    /// somebody else may send nothing else.
    pub(crate) fn only_reads(&self) -> bool {
        match self {
            Self::Join { .. }
            | Self::Leave { .. }
            | Self::History { .. }
            | Self::Presence { .. }
            | Self::Whoami
            | Self::Ping => true,
            // Without one, the caller's own is created.
            Self::JoinChat { conversation, .. } => conversation.is_some(),
            Self::Board(on_project) => on_project.command.only_reads(),
            Self::CreateConversation { .. }
            | Self::RenameConversation { .. }
            | Self::DeleteConversation { .. }
            | Self::Answer { .. }
            | Self::Masterplan(_)
            | Self::CancelAnswer { .. }
            | Self::ChatMessage { .. }
            | Self::Typing { .. }
            | Self::Signal { .. }
            | Self::Read { .. }
            | Self::Refresh { .. }
            | Self::Reflect { .. }
            | Self::Regenerate { .. }
            | Self::Cancel { .. }
            | Self::Run { .. }
            | Self::CancelSimulation { .. } => false,
        }
    }

    /// The room that it names, if any.
    pub(crate) fn room(&self) -> Option<&Room> {
        match self {
            Self::Join { room, .. }
            | Self::Leave { room }
            | Self::ChatMessage { room, .. }
            | Self::Typing { room }
            | Self::Signal { room, .. }
            | Self::Read { room, .. }
            | Self::History { room, .. }
            | Self::Presence { room } => Some(room),
            _ => None,
        }
    }
}

/// What a plan is wanted for; the use case checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedPlan {
    /// The conversation.
    pub(crate) conversation: ConversationId,
    /// The request for work that it is about.
    pub(crate) request: Option<RequestId>,
    /// The category of the work, where no request says it.
    pub(crate) category: Option<String>,
    /// What is to be done, in a line.
    pub(crate) title: Secret<String>,
    /// What is to be done, at length.
    pub(crate) text: Secret<String>,
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
