//! The JSON dialect: one object a text frame, `{"type": T, "id": n?, ...}`.

use std::str::FromStr;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Command, Correlation, ErrorCode, Malformed, Notice, Private, Request};
use crate::ids::Room;

/// Reads one request. What is wrong with one that cannot be read is said in words, with the request's id
/// where it had one.
pub fn decode(text: &str) -> Result<Request, Malformed> {
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| Malformed {
        id: None,
        code: ErrorCode::Malformed,
        message: format!("not a JSON object: {}", brief(&error)),
    })?;
    let id = match fields.id {
        Some(raw) => Some(Correlation::parse(raw).ok_or_else(|| Malformed {
            id: None,
            code: ErrorCode::Invalid,
            message: "`id` must be a number or a string of at most 126 bytes".to_owned(),
        })?),
        None => None,
    };
    match fields.command() {
        Ok(command) => Ok(Request { id, command }),
        Err((code, message)) => Err(Malformed { id, code, message }),
    }
}

/// Appends `notice` as JSON.
pub(super) fn write(notice: &Notice, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, notice) {
        // Cannot happen with the types of `Notice`: all keys are text and a `Vec` takes every byte.
        log::error!("a notice could not be written as JSON: {error}");
        buffer.truncate(start);
        buffer.extend_from_slice(br#"{"type":"error","code":"internal","message":"our fault"}"#);
    }
}

type Wrong = (ErrorCode, String);

/// Every field of every command, unread. Fields that no command has are ignored, so that clients may be newer
/// than us; `null` is absence.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
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
}

impl Fields<'_> {
    fn command(&self) -> Result<Command, Wrong> {
        let kind: String = required("type", self.kind, "a string")?;
        Ok(match kind.as_str() {
            "join" => Command::Join { room: self.room()?, since: position("since", self.since)? },
            "leave" => Command::Leave { room: self.room()? },
            "chat_message" => Command::ChatMessage {
                room: self.room()?,
                text: Private(required("text", self.text, "a string")?),
                client_msg_id: required("client_msg_id", self.client_msg_id, "a string")?,
            },
            "typing" => Command::Typing { room: self.room()? },
            "read" => Command::Read {
                room: self.room()?,
                seq: position("seq", self.seq)?.ok_or_else(|| missing("seq"))?,
            },
            "history" => Command::History {
                room: self.room()?,
                before: position("before", self.before)?,
                limit: optional("limit", self.limit, "a whole number from 0 to 4294967295")?,
            },
            "presence" => Command::Presence { room: self.room()? },
            "refresh" => Command::Refresh { token: Private(required("token", self.token, "a string")?) },
            "ping" => Command::Ping,
            other => {
                let other = other.get(..other.floor_char_boundary(32)).unwrap_or_default();
                return Err((ErrorCode::UnknownType, format!("unknown type {other:?}")));
            }
        })
    }

    fn room(&self) -> Result<Room, Wrong> {
        let name: String = required("room", self.room, "a string")?;
        Room::from_str(&name).map_err(|error| (ErrorCode::Invalid, format!("`room` {error}")))
    }
}

fn position(field: &str, raw: Option<&RawValue>) -> Result<Option<crate::ids::Seq>, Wrong> {
    optional(field, raw, "a position: a whole number, 0 or more")
}

fn required<T: DeserializeOwned>(field: &str, raw: Option<&RawValue>, what: &str) -> Result<T, Wrong> {
    optional(field, raw, what)?.ok_or_else(|| missing(field))
}

fn optional<T: DeserializeOwned>(
    field: &str,
    raw: Option<&RawValue>,
    what: &str,
) -> Result<Option<T>, Wrong> {
    // What was sent instead is not repeated: it may be large, or a secret in the wrong field.
    raw.map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|_| (ErrorCode::Invalid, format!("`{field}` must be {what}")))
}

fn missing(field: &str) -> Wrong {
    (ErrorCode::Invalid, format!("missing field `{field}`"))
}

/// Where parsing stopped, without the input that serde sometimes quotes.
fn brief(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "an object with each field once is expected",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "syntax error",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
