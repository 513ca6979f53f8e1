//! How much of a conversation a generator is given.
//!
//! Tokens are estimated, since each model counts its own: a token for every four bytes, rounded up, and four
//! for each message (its author and its separators). English text comes close to that; for other scripts the
//! estimate is too high rather than too low.

use super::ConversationMessage;

/// Tokens that each message costs besides its text.
const PER_MESSAGE: usize = 4;
const BYTES_PER_TOKEN: usize = 4;

/// How many estimated tokens a generator may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextBudget(usize);

impl ContextBudget {
    /// So many tokens.
    pub(crate) fn new(tokens: usize) -> Self {
        Self(tokens)
    }

    /// What is left after this text; `None` if it does not fit.
    pub(super) fn after(self, text: &str) -> Option<Self> {
        self.0.checked_sub(estimate(text)).map(Self)
    }

    /// The message, which is given whatever the budget: its beginning if it does not fit alone.
    pub(super) fn cut(self, message: ConversationMessage) -> ConversationMessage {
        let bytes = self.0.saturating_sub(PER_MESSAGE).saturating_mul(BYTES_PER_TOKEN);
        if message.text.len() <= bytes {
            return message;
        }
        let end = message.text.floor_char_boundary(bytes);
        let text = message.text.get(..end).unwrap_or_default().to_owned();
        ConversationMessage { text, ..message }
    }
}

fn estimate(text: &str) -> usize {
    PER_MESSAGE + text.len().div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::super::Author;
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::{ConversationId, MessageId, Seq};

    fn message(text: &str) -> ConversationMessage {
        let at = Timestamp::from_seconds(1_700_000_000).unwrap();
        ConversationMessage {
            id: MessageId::new(at),
            conversation_id: ConversationId::new(at),
            author: Author::User,
            client_msg_id: Some("m".to_owned()),
            text: text.to_owned(),
            seq: Seq(1),
            answer_id: Some(MessageId::new(at)),
            answers_to: None,
            generator: None,
            created_at: at,
        }
    }

    #[test]
    fn four_bytes_are_a_token_and_each_message_costs_four_more() {
        assert_eq!(["", "a", "abcd", "abcde"].map(estimate), [4, 5, 5, 6]);
        assert_eq!(ContextBudget::new(10).after("abcde"), Some(ContextBudget::new(4)));
        assert_eq!(ContextBudget::new(5).after("abcde"), None);
    }

    #[test]
    fn a_message_that_does_not_fit_alone_is_cut_between_characters() {
        let cut = |tokens, text| ContextBudget::new(tokens).cut(message(text)).text;
        assert_eq!(cut(6, "abcdefgh"), "abcdefgh");
        assert_eq!(cut(5, "abcdefgh"), "abcd");
        assert_eq!(cut(5, "abcäö"), "abc");
        assert_eq!(cut(1, "abc"), "");
    }
}
