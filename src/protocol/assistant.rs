//! What notices and answers say of the assistant.

use std::sync::Arc;

use serde::Serialize;

use crate::ids::{ConversationId, MessageId};

/// Which answer of the assistant is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AnswerIds {
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// The answer.
    pub(crate) message_id: MessageId,
    /// The message that it answers.
    pub(crate) answers_to: MessageId,
}

/// What is nearly used up of a plan's quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuotaWarning {
    /// Which quota, as in `limits`.
    pub(crate) quota: &'static str,
    /// What the plan allows on a day.
    pub(crate) limit: u32,
    /// What is left of it.
    pub(crate) remaining: u32,
    /// Seconds until the next day.
    pub(crate) resets_in: u64,
}

/// Why a text was not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextFailure {
    /// For programs; stable.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: Arc<str>,
    /// Seconds after which a retry makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}
