//! The fields that commands have, and what each must be, for every dialect that encodes them in JSON.

use std::str::FromStr;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{ErrorCode, SignalData, Topic};
use crate::ids::{ConversationId, EntryId, Room, Seq, SessionId};

/// What is wrong with a command: the code for programs, the text for people.
pub(super) type FieldError = (ErrorCode, String);

/// What a number must be.
pub(super) const NUMBER: &str = "a whole number from 0 to 4294967295";

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
    pub(super) simulation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) scenario: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) category: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) title: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) since: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) client_msg_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) seq: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) before: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) limit: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) token: Option<&'a RawValue>,
    #[serde(borrow)]
    topic: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl RawFields<'_> {
    /// The entry named by `entry_id`, if one is.
    pub(super) fn entry(&self) -> Result<Option<EntryId>, FieldError> {
        optional("entry_id", self.entry_id, "a UUID")
    }

    /// The conversation named by `conversation_id`, if one is.
    pub(super) fn conversation(&self) -> Result<Option<ConversationId>, FieldError> {
        optional("conversation_id", self.conversation_id, "a UUID")
    }

    pub(super) fn required_conversation(&self) -> Result<ConversationId, FieldError> {
        self.conversation()?.ok_or_else(|| missing("conversation_id"))
    }

    /// What a signal is about.
    pub(super) fn topic(&self) -> Result<Topic, FieldError> {
        let must = "must be 1 to 64 bytes without control characters";
        let text: String = required("topic", self.topic, "a string")?;
        Topic::parse(&text).ok_or_else(|| (ErrorCode::Invalid, format!("`topic` {must}")))
    }

    /// The value of a signal.
    pub(super) fn signal_data(&self) -> Result<SignalData, FieldError> {
        let must = || format!("`data` must be plain JSON of at most {} bytes", SignalData::LONGEST);
        SignalData::parse(self.data).ok_or_else(|| (ErrorCode::Invalid, must()))
    }

    /// The version that the client has seen, if it says so.
    pub(super) fn version(&self) -> Result<Option<i64>, FieldError> {
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

pub(super) fn position(field: &str, raw: Option<&RawValue>) -> Result<Option<Seq>, FieldError> {
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

pub(super) fn optional<T: DeserializeOwned>(
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
