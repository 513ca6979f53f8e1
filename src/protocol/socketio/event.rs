//! Parses clients' events as commands.

use serde_json::value::RawValue;

use crate::json;
use crate::protocol::fields::{FieldError, RawFields};
use crate::protocol::json::brief;
use crate::protocol::{Command, Correlation, ErrorCode, Malformed, Request, board};

use super::packet::Packet;

/// An event in the form that [`read_event`] parses: acknowledgement id and JSON.
///
/// Attachments are dropped: no command has a binary field, and a placeholder in the place of a text is
/// invalid.
pub(crate) fn without_namespace(packet: &Packet) -> String {
    match packet.id {
        Some(id) => format!("{id}{}", packet.data),
        None => packet.data.clone(),
    }
}

/// Parses one request, such as `13["chat_message",{..}]`.
pub(crate) fn read_event(text: &str) -> Result<Request, Malformed> {
    let (id, data) = text.split_at(text.find('[').unwrap_or(text.len()));
    let id = id.parse().ok().and_then(Correlation::number);
    match command(data) {
        Ok(command) => Ok(Request { id, command }),
        Err((code, message)) => Err(Malformed { id, code, message }),
    }
}

fn command(data: &str) -> Result<Command, FieldError> {
    let malformed = |error| (ErrorCode::Malformed, format!("not an event: {}", brief(&error)));
    let parts: Vec<&RawValue> = serde_json::from_str(data).map_err(malformed)?;
    let name = parts.first().map_or("null", |name| name.get());
    let name: String = serde_json::from_str(name).map_err(malformed)?;
    let fields = match parts.get(1).map(|fields| fields.get()) {
        None | Some("null") => RawFields::default(),
        Some(fields) => json::from_str(fields).map_err(|_| {
            (ErrorCode::Invalid, "an event carries one object, with each field once".to_owned())
        })?,
    };
    let object = parts.get(1).map_or("{}", |fields| fields.get());
    if let Some(read) = board::read(&name, if object == "null" { "{}" } else { object }) {
        return read.map(|on_project| Command::Board(Box::new(on_project)));
    }
    match name.as_str() {
        "join_session" => Command::read("join", &fields, || fields.session()),
        "leave_session" => Command::read("leave", &fields, || fields.session()),
        "room:join" => Command::read("join", &fields, || fields.room()),
        "room:leave" => Command::read("leave", &fields, || fields.room()),
        // Names of the JSON dialect that this one writes differently.
        "join" | "leave" => Err((ErrorCode::UnknownType, format!("unknown event; `room:{name}` is meant"))),
        "chat_message" if !fields.names_a_chat() => {
            Err((ErrorCode::Invalid, "missing field `session_id` or `conversation_id`".to_owned()))
        }
        name => Command::read(name, &fields, || fields.session_or_room()),
    }
}
