//! Domain events of messages. They go to the conversation's room only, whose log is deleted with it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConversationId, MessageId, Room};

use super::{Author, ConversationMessage};

/// Something was said in a conversation. The same kind of event as in chats of sessions.
#[derive(Serialize)]
pub(crate) struct ConversationMessageSent<'a> {
    /// Primary key of the message.
    id: MessageId,
    /// The conversation.
    conversation_id: ConversationId,
    /// Who says it.
    author: Author,
    /// The id that the user's client gave it, by which the client recognises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_msg_id: Option<&'a str>,
    /// The id that the answer to it will have.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_id: Option<MessageId>,
    /// The message that an answer answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers_to: Option<MessageId>,
    /// What wrote an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    generator: Option<&'a str>,
    /// The message text.
    text: &'a str,
}

impl<'a> ConversationMessageSent<'a> {
    pub(super) fn new(message: &'a ConversationMessage) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            author: message.author,
            client_msg_id: message.client_msg_id.as_deref(),
            answer_id: message.answer_id,
            answers_to: message.answers_to,
            generator: message.generator.as_deref(),
            text: &message.text,
        }
    }
}

impl DomainEvent for ConversationMessageSent<'_> {
    fn kind(&self) -> &'static str {
        "message.sent"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Conversation(self.conversation_id)]
    }

    /// Admins may not even know that the conversation exists.
    fn for_admins(&self) -> bool {
        false
    }
}
