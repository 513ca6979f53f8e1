//! Parses the fields of commands, for every dialect that encodes them in JSON.

use std::str::FromStr;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Command, ErrorCode, SignalData, Topic, WantedPlan};
use crate::ids::{ConversationId, EntryId, Room, Seq, SessionId};
use crate::secret::Secret;

/// What is wrong with a command: the code for programs, the text for people.
pub(super) type FieldError = (ErrorCode, String);

/// What a number must be.
const NUMBER: &str = "a whole number from 0 to 4294967295";

/// The raw fields of all commands. Fields that no command has are ignored, so that clients may be newer than
/// the server; `null` counts as absent.
#[derive(Default, Deserialize)]
pub(super) struct RawFields<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    conversation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    entry_id: Option<&'a RawValue>,
    #[serde(borrow)]
    simulation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    scenario: Option<&'a RawValue>,
    #[serde(borrow)]
    category: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    client_msg_id: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    before: Option<&'a RawValue>,
    #[serde(borrow)]
    limit: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    topic: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl RawFields<'_> {
    /// Parses the fields of the named command into a [`Command`].
    pub(super) fn command(
        &self,
        name: &str,
        room: impl Fn() -> Result<Room, FieldError>,
    ) -> Result<Command, FieldError> {
        Ok(match name {
            "join" => Command::Join { room: room()?, since: position("since", self.since)? },
            "join_chat" => Command::JoinChat {
                conversation: self.conversation()?,
                since: position("since", self.since)?,
            },
            "create_conversation" => Command::CreateConversation {
                title: optional("title", self.title, "a string")?.map(Secret::new),
            },
            "rename_conversation" => Command::RenameConversation {
                conversation: self.required_conversation()?,
                title: Secret::new(required("title", self.title, "a string")?),
                version: self.version()?,
            },
            "delete_conversation" => Command::DeleteConversation {
                conversation: self.required_conversation()?,
                version: self.version()?,
            },
            "masterplan" => Command::Masterplan(WantedPlan {
                conversation: self.required_conversation()?,
                request: optional("request_id", self.request_id, "a UUID")?,
                category: optional("category", self.category, "a string")?,
                title: Secret::new(required("title", self.title, "a string")?),
                text: Secret::new(required("text", self.text, "a string")?),
            }),
            "answer" => Command::Answer { conversation: self.required_conversation()? },
            "leave" => Command::Leave { room: room()? },
            "chat_message" => Command::ChatMessage {
                room: self.conversation()?.map_or_else(room, |id| Ok(Room::Conversation(id)))?,
                text: Secret::new(required("text", self.text, "a string")?),
                client_msg_id: optional("client_msg_id", self.client_msg_id, "a string")?,
            },
            "typing" => Command::Typing { room: room()? },
            "signal" => Command::Signal { room: room()?, topic: self.topic()?, data: self.signal_data()? },
            "read" => Command::Read {
                room: room()?,
                seq: position("seq", self.seq)?.ok_or_else(|| missing("seq"))?,
            },
            "history" => Command::History {
                room: room()?,
                before: position("before", self.before)?,
                limit: optional("limit", self.limit, NUMBER)?,
            },
            "presence" => Command::Presence { room: room()? },
            "refresh" => Command::Refresh { token: Secret::new(required("token", self.token, "a string")?) },
            "reflect" => Command::Reflect { entry: self.entry()? },
            "regenerate" => Command::Regenerate { entry: self.entry()? },
            "cancel" => match optional("simulation_id", self.simulation_id, "a UUID")? {
                Some(simulation) => Command::CancelSimulation { simulation },
                None => match self.conversation()? {
                    Some(conversation) => Command::CancelAnswer { conversation },
                    None => Command::Cancel { entry: self.entry()? },
                },
            },
            "run" => {
                let scenario = self.scenario.ok_or_else(|| missing("scenario"))?;
                Command::Run { scenario: Secret::new(scenario.get().to_owned()) }
            }
            "whoami" => Command::Whoami,
            "ping" => Command::Ping,
            other => {
                let other = other.get(..other.floor_char_boundary(32)).unwrap_or_default();
                return Err((ErrorCode::UnknownType, format!("unknown type {other:?}")));
            }
        })
    }

    /// The entry named by `entry_id`, if one is.
    fn entry(&self) -> Result<Option<EntryId>, FieldError> {
        optional("entry_id", self.entry_id, "a UUID")
    }

    /// The conversation named by `conversation_id`, if one is.
    fn conversation(&self) -> Result<Option<ConversationId>, FieldError> {
        optional("conversation_id", self.conversation_id, "a UUID")
    }

    fn required_conversation(&self) -> Result<ConversationId, FieldError> {
        self.conversation()?.ok_or_else(|| missing("conversation_id"))
    }

    /// What a signal is about.
    fn topic(&self) -> Result<Topic, FieldError> {
        let must = "must be 1 to 64 bytes without control characters";
        let text: String = required("topic", self.topic, "a string")?;
        Topic::parse(&text).ok_or_else(|| (ErrorCode::Invalid, format!("`topic` {must}")))
    }

    /// The value of a signal.
    fn signal_data(&self) -> Result<SignalData, FieldError> {
        let must = || format!("`data` must be plain JSON of at most {} bytes", SignalData::LONGEST);
        SignalData::parse(self.data).ok_or_else(|| (ErrorCode::Invalid, must()))
    }

    /// The version that the client has seen, if it says so.
    fn version(&self) -> Result<Option<i64>, FieldError> {
        optional("version", self.version, "a version: a whole number")
    }

    /// The room named by `room`.
    pub(super) fn room(&self) -> Result<Room, FieldError> {
        let name: String = required("room", self.room, "a string")?;
        Room::from_str(&name).map_err(|error| (ErrorCode::Invalid, format!("`room` {error}")))
    }

    /// The chat room of the session named by `session_id`.
    pub(super) fn session(&self) -> Result<Room, FieldError> {
        let id: String = required("session_id", self.session_id, "a string")?;
        let id = SessionId::from_str(&id)
            .map_err(|error| (ErrorCode::Invalid, format!("`session_id` {error}")))?;
        Ok(Room::Session(id))
    }

    /// Whether any field says where a chat message goes.
    pub(super) fn names_a_chat(&self) -> bool {
        self.room.is_some() || self.session_id.is_some() || self.conversation_id.is_some()
    }

    /// The room of `session_id` if present, else that of `room`.
    pub(super) fn session_or_room(&self) -> Result<Room, FieldError> {
        if self.room.is_some() && self.session_id.is_none() { self.room() } else { self.session() }
    }
}

fn position(field: &str, raw: Option<&RawValue>) -> Result<Option<Seq>, FieldError> {
    optional(field, raw, "a position: a whole number, 0 or more")
}

/// A required field.
pub(super) fn required<T: DeserializeOwned>(
    field: &str,
    raw: Option<&RawValue>,
    what: &str,
) -> Result<T, FieldError> {
    optional(field, raw, what)?.ok_or_else(|| missing(field))
}

fn optional<T: DeserializeOwned>(
    field: &str,
    raw: Option<&RawValue>,
    what: &str,
) -> Result<Option<T>, FieldError> {
    // The error does not repeat the value: it may be large, or a secret in the wrong field.
    raw.map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|_| (ErrorCode::Invalid, format!("`{field}` must be {what}")))
}

/// The error for a required field that is absent.
pub(super) fn missing(field: &str) -> FieldError {
    (ErrorCode::Invalid, format!("missing field `{field}`"))
}
