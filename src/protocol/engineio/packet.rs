//! Engine.IO packets: a digit for the type, then optional data.

/// `ping`: the server asks whether the client is alive.
pub(crate) const PING: &str = "2";
/// `close`: the server ends the connection.
pub(crate) const CLOSE: &str = "1";
/// `noop`: ends a poll that has nothing to deliver.
pub(crate) const NOOP: &str = "6";
/// The answer to a probe: the new transport works.
pub(crate) const PROBED: &str = "3probe";

/// A packet that a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The client ends the connection.
    Close,
    /// The answer to a ping.
    Pong,
    /// `2probe`: the client tests a new transport.
    Probe,
    /// The client changes to the transport that this packet arrived on.
    Upgrade,
    /// A packet without meaning.
    Noop,
    /// A text message of the layer above.
    Message(String),
    /// A binary message of the layer above.
    Binary(Vec<u8>),
}

/// Why a text is not a packet that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// Unknown type, or one that only servers send.
    #[error("no packet of a client")]
    Type,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Text,
    /// Not base64.
    #[error("not base64")]
    Base64,
    /// A message exceeds its size limit.
    #[error("too large a message")]
    Large,
    /// A payload has more packets than allowed.
    #[error("too many packets")]
    Many,
}

impl Packet {
    /// Parses a text packet. Binary packets are WebSocket messages of their own, or `b` and base64 in a
    /// payload.
    pub(crate) fn read(text: &str) -> Result<Self, PacketError> {
        match text.split_at_checked(1) {
            Some(("4", message)) => Ok(Self::Message(message.to_owned())),
            Some(("3", _)) => Ok(Self::Pong),
            Some(("2", "probe")) => Ok(Self::Probe),
            Some(("1", "")) => Ok(Self::Close),
            Some(("5", "")) => Ok(Self::Upgrade),
            Some(("6", "")) => Ok(Self::Noop),
            // Since revision 4, only servers ping.
            _ => Err(PacketError::Type),
        }
    }
}
