//! What is said in a conversation: the messages of its owner, and the assistant's answers. Authorization is
//! that of the conversation.
//!
//! A message of the user names the id of its answer before there is one. So an answer is stored once, however
//! often it is asked for, and clients know where it will be.

mod context;
mod events;
mod repository;
mod service;

pub(crate) use context::ContextBudget;
pub(crate) use events::ConversationMessageSent;
pub(crate) use service::{
    Asked, NewAnswer, SendToAssistant, already_answering, awaiting, find, is_stored, list, newest_unanswered,
    not_answering, nothing_to_answer, question, send, store_answer, too_many_waiting,
};

use std::fmt;

use crate::clock::Timestamp;
use crate::db::{schema, text_enum};
use crate::ids::{ConversationId, MessageId, Seq};

text_enum! {
    /// Who says something in a conversation.
    pub(crate) enum Author as "MessageAuthor" {
        /// The owner of the conversation.
        User = "user",
        /// The assistant.
        Assistant = "assistant",
    }
}

/// A message in a conversation.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::conversation_messages)]
pub(crate) struct ConversationMessage {
    /// Primary key.
    pub(crate) id: MessageId,
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// Who says it.
    pub(crate) author: Author,
    /// The id that the user's client gave it; `None` for answers.
    pub(crate) client_msg_id: Option<String>,
    /// The text itself; never logged.
    pub(crate) text: String,
    /// Position in the conversation's room.
    #[diesel(deserialize_as = i64)]
    pub(crate) seq: Seq,
    /// The id that the answer has or will have; `None` for answers.
    pub(crate) answer_id: Option<MessageId>,
    /// The message that an answer answers.
    pub(crate) answers_to: Option<MessageId>,
    /// The name of the generator that wrote an answer.
    pub(crate) generator: Option<String>,
    /// When it was stored.
    pub(crate) created_at: Timestamp,
}

/// By hand, without the text: what is said to the assistant must not reach the logs.
impl fmt::Debug for ConversationMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConversationMessage({} by {})", self.id, self.author)
    }
}
