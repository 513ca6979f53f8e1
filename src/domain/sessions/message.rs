//! What is said in a session.

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::text::MultiLine;
use crate::ids::{MessageId, Seq, SessionId, UserId};

/// The sender's own name for a message: the same name again is the same message, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMsgId(String);

impl ClientMsgId {
    /// Most characters: room for a UUID and a prefix.
    pub const MAX: usize = 64;

    /// 1 to 64 characters, taken as they are; the error says what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length == 0 || length > Self::MAX || text.chars().any(char::is_control) {
            return Err(format!("must have 1 to {} characters and no control characters", Self::MAX));
        }
        Ok(Self(text.to_owned()))
    }

    /// For a sender that gave none: nothing will ever be taken for a repetition of this one.
    pub fn fresh(at: Timestamp) -> Self {
        Self(MessageId::new(at).to_string())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody says: 1 to 4,000 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageText(MultiLine<{ MessageText::MAX }>);

impl MessageText {
    /// Most characters.
    pub const MAX: usize = 4000;

    /// Trims and normalizes; the error states the requirement, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        MultiLine::parse_some(text).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What people say to each other does not belong into logs.
impl std::fmt::Debug for MessageText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageText({} bytes)", self.as_str().len())
    }
}

/// Say something in a session.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Where.
    pub session: SessionId,
    /// Under which name of the sender's.
    pub client_msg_id: ClientMsgId,
    /// What.
    pub text: MessageText,
}

/// The message stands in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub id: MessageId,
    /// Its position in the session's room.
    pub seq: Seq,
    /// When it was said, which for a repetition is when it was said first.
    pub at: Timestamp,
    /// Whether it had been said before this call.
    pub repeated: bool,
}

/// A message as it is kept.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::messages)]
pub struct Message {
    /// Primary key.
    pub id: MessageId,
    /// Where it was said.
    pub session_id: SessionId,
    /// Who said it.
    pub user_id: UserId,
    /// The sender's name for it.
    pub client_msg_id: String,
    /// What was said.
    pub text: String,
    /// Its position in the session's room.
    #[diesel(deserialize_as = i64)]
    pub seq: Seq,
    /// When it was said.
    pub created_at: Timestamp,
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
