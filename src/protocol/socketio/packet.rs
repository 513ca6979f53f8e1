//! Socket.IO packets: `<type>[<attachments>-][<namespace>,][<acknowledgement>][JSON]`.

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::frame;

/// The limits of one packet.
#[derive(Debug, Clone, Copy)]
pub struct PacketLimits {
    /// Maximum number of attachments.
    pub attachments: usize,
    /// Maximum bytes of text and attachments together.
    pub bytes: usize,
}

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From a client: asks to connect to a namespace. From the server: it is connected.
    Connect,
    /// Leaves a namespace.
    Disconnect,
    /// An event: `["name", ..]`.
    Event,
    /// The acknowledgement of an event.
    Ack,
    /// From the server: the connection to the namespace was refused.
    ConnectError,
}

/// A packet with its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The packet's type.
    pub kind: Kind,
    /// The namespace; `/` if the packet names none.
    pub namespace: String,
    /// The acknowledgement id, by which an event and its answer are matched.
    pub id: Option<u64>,
    /// JSON of the shape that the type needs; empty if there is none. An attachment is represented by
    /// `{"_placeholder":true,"num":n}`, where `n` is its index.
    pub data: String,
    /// The binary attachments.
    pub attachments: Vec<Bytes>,
}

/// Why a message is not a packet that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// Unknown type, or one that only servers send.
    #[error("no packet of a client")]
    Type,
    /// The count of attachments is missing or above the limit.
    #[error("a bad count of attachments")]
    Attachments,
    /// The namespace is not terminated, or its name is too long.
    #[error("a bad namespace")]
    Namespace,
    /// The acknowledgement id is not a number, or a required one is missing.
    #[error("a bad acknowledgement")]
    Id,
    /// The JSON does not have the shape that the type needs.
    #[error("a bad payload")]
    Data,
    /// A placeholder refers to an attachment that does not exist.
    #[error("a bad placeholder")]
    Placeholder,
    /// A text message where an attachment must follow, or an attachment where none is expected.
    #[error("a packet out of turn")]
    Turn,
    /// The packet exceeds its size limit.
    #[error("too large a packet")]
    Large,
}

/// Event names that client and server libraries emit themselves: receiving one from the other side would
/// mislead handlers.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// In bytes; no real namespace has a longer name.
const LONGEST_NAMESPACE: usize = 128;

/// The integers that JavaScript represents exactly.
const IDS: RangeInclusive<u64> = 0..=(1 << 53);

impl Packet {
    /// Parses a packet's text; also returns how many attachments must follow.
    pub(crate) fn read(text: &str, limits: PacketLimits) -> Result<(Self, usize), PacketError> {
        if text.len() > limits.bytes {
            return Err(PacketError::Large);
        }
        let (kind, rest) = text.split_at_checked(1).ok_or(PacketError::Type)?;
        let (kind, is_binary) = match kind {
            "0" => (Kind::Connect, false),
            "1" => (Kind::Disconnect, false),
            "2" => (Kind::Event, false),
            "3" => (Kind::Ack, false),
            "5" => (Kind::Event, true),
            "6" => (Kind::Ack, true),
            _ => return Err(PacketError::Type),
        };
        let (attachments, rest) = if is_binary { attachments(rest, limits.attachments)? } else { (0, rest) };
        let (namespace, rest) = namespace(rest)?;
        let (id, data) = id(rest)?;
        check(kind, id, data)?;
        if is_binary {
            check_placeholders(data, attachments)?;
        }
        let packet =
            Self { kind, namespace: namespace.into(), id, data: data.into(), attachments: Vec::new() };
        Ok((packet, attachments))
    }

    /// The WebSocket frames of this packet, in one piece, because no other frame may come between them.
    pub fn frames(&self) -> Bytes {
        let first = frame::text(|to| {
            to.push(b'4');
            self.write(to);
        });
        if self.attachments.is_empty() {
            return first;
        }
        let attached = self.attachments.iter().map(|attachment| frame::binary(attachment));
        std::iter::once(first).chain(attached).collect::<Vec<_>>().concat().into()
    }

    fn write(&self, to: &mut Vec<u8>) {
        let count = self.attachments.len();
        to.push(match (self.kind, count) {
            (Kind::Connect, _) => b'0',
            (Kind::Disconnect, _) => b'1',
            (Kind::Event, 0) => b'2',
            (Kind::Ack, 0) => b'3',
            (Kind::ConnectError, _) => b'4',
            (Kind::Event, _) => b'5',
            (Kind::Ack, _) => b'6',
        });
        if count > 0 {
            to.extend_from_slice(format!("{count}-").as_bytes());
        }
        if self.namespace != "/" {
            to.extend_from_slice(self.namespace.as_bytes());
            to.push(b',');
        }
        if let Some(id) = self.id {
            to.extend_from_slice(id.to_string().as_bytes());
        }
        to.extend_from_slice(self.data.as_bytes());
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn attachments(text: &str, at_most: usize) -> Result<(usize, &str), PacketError> {
    let (count, rest) = digits(text);
    let rest = rest.strip_prefix('-').ok_or(PacketError::Attachments)?;
    let count = count.parse().ok().filter(|count| *count <= at_most).ok_or(PacketError::Attachments)?;
    Ok((count, rest))
}

fn namespace(text: &str) -> Result<(&str, &str), PacketError> {
    if !text.starts_with('/') {
        return Ok(("/", text));
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    // Older clients append a query to the name; it has no meaning here.
    let name = name.split_once('?').map_or(name, |(name, _)| name);
    if name.len() > LONGEST_NAMESPACE { Err(PacketError::Namespace) } else { Ok((name, rest)) }
}

fn id(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    match digits(text) {
        ("", rest) => Ok((None, rest)),
        (id, rest) => Ok((Some(id.parse().ok().filter(|id| IDS.contains(id)).ok_or(PacketError::Id)?), rest)),
    }
}

fn check(kind: Kind, id: Option<u64>, data: &str) -> Result<(), PacketError> {
    let list = || serde_json::from_str::<Vec<&RawValue>>(data).map_err(|_| PacketError::Data);
    match kind {
        Kind::Connect | Kind::Disconnect | Kind::ConnectError if id.is_some() => Err(PacketError::Id),
        Kind::Connect if data.is_empty() => Ok(()),
        Kind::Connect => {
            let payload: &RawValue = serde_json::from_str(data).map_err(|_| PacketError::Data)?;
            if payload.get().starts_with('{') { Ok(()) } else { Err(PacketError::Data) }
        }
        Kind::Disconnect => {
            if data.is_empty() {
                Ok(())
            } else {
                Err(PacketError::Data)
            }
        }
        Kind::Event => {
            let list = list()?;
            let name = list.first().ok_or(PacketError::Data)?;
            let name: String = serde_json::from_str(name.get()).map_err(|_| PacketError::Data)?;
            if RESERVED.contains(&name.as_str()) { Err(PacketError::Data) } else { Ok(()) }
        }
        Kind::Ack => {
            list()?;
            id.map(drop).ok_or(PacketError::Id)
        }
        Kind::ConnectError => Err(PacketError::Type),
    }
}

/// Checks that every placeholder refers to an attachment. The JSON parser's limit of nesting also bounds this
/// recursion.
fn check_placeholders(data: &str, attachments: usize) -> Result<(), PacketError> {
    fn is_good(value: &Value, attachments: usize) -> bool {
        match value {
            Value::Array(values) => values.iter().all(|value| is_good(value, attachments)),
            Value::Object(fields) if fields.get("_placeholder") == Some(&Value::Bool(true)) => fields
                .get("num")
                .and_then(Value::as_u64)
                .and_then(|num| usize::try_from(num).ok())
                .is_some_and(|num| num < attachments),
            Value::Object(fields) => fields.values().all(|value| is_good(value, attachments)),
            _ => true,
        }
    }
    let data: Value = serde_json::from_str(data).map_err(|_| PacketError::Data)?;
    if is_good(&data, attachments) { Ok(()) } else { Err(PacketError::Placeholder) }
}
