//! The JSON dialect: one object per text frame, `{"type": T, "id": n?, ...}`.

use super::fields::{FieldError, RawFields, missing, required};
use super::{Command, Correlation, ErrorCode, Malformed, Notice, Request, board};
use crate::json;

/// Parses one request. The error describes the mistake and carries the request's id if that could be read.
pub(crate) fn decode(text: &str) -> Result<Request, Malformed> {
    let fields: RawFields<'_> = json::from_str(text).map_err(|error| Malformed {
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
    match command(&fields, text) {
        Ok(command) => Ok(Request { id, command }),
        Err((code, message)) => Err(Malformed { id, code, message }),
    }
}

/// Appends `notice` as JSON.
pub(super) fn write(notice: &Notice, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, notice) {
        // Cannot happen with the types of `Notice`: all keys are text, and writing to a `Vec` does not fail.
        log::error!("a notice could not be written as JSON: {error}");
        buffer.truncate(start);
        buffer.extend_from_slice(br#"{"type":"error","code":"internal","message":"our fault"}"#);
    }
}

fn command(fields: &RawFields<'_>, text: &str) -> Result<Command, FieldError> {
    let name: String = required("type", fields.kind, "a string")?;
    if let Some(read) = board::read(&name, text) {
        return read.map(|on_project| Command::Board(Box::new(on_project)));
    }
    match Command::read(&name, fields, || fields.room())? {
        // Required in this dialect: clients can always send it, and a message that is retried must be
        // recognised.
        Command::ChatMessage { client_msg_id: None, .. } => Err(missing("client_msg_id")),
        command => Ok(command),
    }
}

/// Where parsing stopped, without the input that serde sometimes quotes.
pub(super) fn brief(error: &serde_json::Error) -> String {
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
