//! Chat messages: input types and stored rows.

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::text::MultiLine;
use crate::events::Envelope;
use crate::ids::{MessageId, Seq, SessionId, UserId};

/// The sender's id of a message, an idempotency key: a message with the same id is the same message, however
/// often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientMsgId(String);

impl ClientMsgId {
    /// Maximum length in characters: enough for a UUID and a prefix.
    pub(crate) const MAX: usize = 64;

    /// 1 to 64 characters, unchanged; the error states the requirement, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length == 0 || length > Self::MAX || text.chars().any(char::is_control) {
            return Err(format!("must have 1 to {} characters and no control characters", Self::MAX));
        }
        Ok(Self(text.to_owned()))
    }

    /// An id for a sender that gave none; it equals no other, so nothing counts as a repetition.
    pub(crate) fn fresh(at: Timestamp) -> Self {
        Self(MessageId::new(at).to_string())
    }

    /// The id as the sender gave it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text of a message: 1 to 4,000 characters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MessageText(MultiLine<{ MessageText::MAX }>);

impl MessageText {
    /// Maximum length in characters.
    pub(crate) const MAX: usize = 4000;

    /// Trims and normalizes; the error states the requirement, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        MultiLine::parse_some(text).map(Self)
    }

    /// The text, trimmed and normalized.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// By hand, without the text: private messages must not reach the logs.
impl std::fmt::Debug for MessageText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageText({} bytes)", self.as_str().len())
    }
}

/// The command to send a message.
#[derive(Clone, Debug)]
pub(crate) struct SendMessage {
    /// The session to send it in.
    pub(crate) session: SessionId,
    /// Idempotency key of the sender.
    pub(crate) client_msg_id: ClientMsgId,
    /// The message text.
    pub(crate) text: MessageText,
}

/// Result of sending a message.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Primary key of the message.
    pub(crate) id: MessageId,
    /// Position in the session's room.
    pub(crate) seq: Seq,
    /// When the message was sent; for a repetition, the first time.
    pub(crate) at: Timestamp,
    /// The event that tells the room of it; `None` if this call repeated an earlier one.
    pub(crate) event: Option<Envelope>,
}

/// A stored message.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::messages)]
pub(crate) struct Message {
    /// Primary key.
    pub(crate) id: MessageId,
    /// The session it was sent in.
    pub(crate) session_id: SessionId,
    /// The sender.
    pub(crate) user_id: UserId,
    /// The sender's id of the message.
    pub(crate) client_msg_id: String,
    /// The message text.
    pub(crate) text: String,
    /// Position in the session's room.
    #[diesel(deserialize_as = i64)]
    pub(crate) seq: Seq,
    /// When it was sent.
    pub(crate) created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_something_and_not_too_much() {
        assert_eq!(MessageText::parse(" hello ").unwrap().as_str(), "hello");
        assert!(MessageText::parse(" \n ").is_err());
        assert!(MessageText::parse(&"ä".repeat(4000)).is_ok());
        assert!(MessageText::parse(&"ä".repeat(4001)).is_err());
    }

    #[test]
    fn a_message_stays_out_of_logs() {
        assert_eq!(format!("{:?}", MessageText::parse("secret").unwrap()), "MessageText(6 bytes)");
    }

    #[test]
    fn names_of_messages_are_short_and_kept_as_they_are() {
        assert_eq!(ClientMsgId::parse(" a ").unwrap().as_str(), " a ");
        for wrong in ["", "a\0", &"a".repeat(65)] {
            assert!(ClientMsgId::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
