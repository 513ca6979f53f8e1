//! Packets: a digit that says which, and perhaps data.

/// The server asks whether the client is there.
pub const PING: &str = "2";
/// The server ends the connection.
pub const CLOSE: &str = "1";
/// Nothing: ends a poll that has nothing to bring.
pub const NOOP: &str = "6";
/// The answer to a probe: the new transport works.
pub const PROBED: &str = "3probe";

/// A packet as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The client ends the connection.
    Close,
    /// The answer to a ping.
    Pong,
    /// Does this transport work?
    Probe,
    /// From now on this transport.
    Upgrade,
    /// Nothing.
    Noop,
    /// What is said above: text.
    Message(String),
    /// What is said above: bytes.
    Binary(Vec<u8>),
}

/// Not a packet that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// No such type, or one that only servers send.
    #[error("no packet of a client")]
    Type,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Text,
    /// Not base64.
    #[error("not base64")]
    Base64,
    /// A message above the cap.
    #[error("too large a message")]
    Large,
    /// More packets in a payload than the cap.
    #[error("too many packets")]
    Many,
}

impl Packet {
    /// Reads the text of one packet. Binary packets are frames of their own, or `b` and base64 in a payload.
    pub fn read(text: &str) -> Result<Self, PacketError> {
        match text.split_at_checked(1) {
            Some(("4", message)) => Ok(Self::Message(message.to_owned())),
            Some(("3", _)) => Ok(Self::Pong),
            Some(("2", "probe")) => Ok(Self::Probe),
            Some(("1", "")) => Ok(Self::Close),
            Some(("5", "")) => Ok(Self::Upgrade),
            Some(("6", "")) => Ok(Self::Noop),
            // Since revision 4 only servers ping.
            _ => Err(PacketError::Type),
        }
    }
}
