//! What is asked of a generator: structured, so that one that is no model can work on the user's own
//! sentences.

use std::fmt;

/// A task with what the user wrote for it. `Debug` shows lengths only, so that no log can hold a journal.
#[derive(Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A reflection on a journal entry.
    Reflection {
        /// The entry's title, if it has one.
        title: Option<String>,
        /// The entry.
        text: String,
    },
    /// The next turn of a conversation with the assistant.
    Answer {
        /// The turns so far, oldest first; the last one is the user's.
        history: Vec<Turn>,
    },
    /// A plan of work, as JSON by the schema in `models/templates.rs`.
    Plan {
        /// The category of work, such as `plumbing`.
        category: String,
        /// What is to be done, in a line.
        title: String,
        /// What is to be done, at length.
        text: String,
        /// What was wrong with the plans before, one sentence each; empty the first time.
        faults: Vec<String>,
    },
}

/// One turn of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who said it.
    pub author: Author,
    /// What was said.
    pub text: String,
}

/// Who says something in a conversation with the assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The user.
    User,
    /// The assistant.
    Assistant,
}

impl Prompt {
    /// The kind of task, as a label of metrics.
    pub(crate) fn task(&self) -> &'static str {
        match self {
            Self::Reflection { .. } => "reflection",
            Self::Answer { .. } => "answer",
            Self::Plan { .. } => "plan",
        }
    }

    /// The size of what the user wrote, in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Reflection { title, text } => title.as_ref().map_or(0, String::len) + text.len(),
            Self::Answer { history } => history.iter().map(|turn| turn.text.len()).sum(),
            Self::Plan { category, title, text, faults } => {
                category.len() + title.len() + text.len() + faults.iter().map(String::len).sum::<usize>()
            }
        }
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.task(), self.size())
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} bytes", self.author, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_wrote_does_not_show_itself() {
        let turn = Turn { author: Author::User, text: "I am sad.".to_owned() };
        let prompts = [
            Prompt::Reflection { title: Some("sad".to_owned()), text: "I am sad.".to_owned() },
            Prompt::Answer { history: vec![turn.clone()] },
            Prompt::Plan {
                category: "sad".to_owned(),
                title: "sad".to_owned(),
                text: "sad".to_owned(),
                faults: vec!["sad".to_owned()],
            },
        ];
        assert!(!format!("{prompts:?} {turn:?}").contains("sad"));
        assert_eq!(format!("{:?}", prompts[0]), "reflection of 12 bytes");
    }
}
