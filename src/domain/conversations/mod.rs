//! Conversations: a user's chats with the assistant. Nobody else reads them, not even an admin.
//!
//! Each user has at most one that is meant where none is named; it comes to be when it is first asked for.

mod events;
mod repository;
mod service;

pub use events::ConversationCreated;
pub use service::{NewConversation, create, find, list, own};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConversationId, Room, UserId};

/// What a conversation is called.
pub type ConversationTitle = SingleLine<120>;

/// A conversation.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::conversations)]
pub struct Conversation {
    /// Its id; also names its room.
    pub id: ConversationId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is called.
    pub title: Option<ConversationTitle>,
    /// Whether it is the one that is meant where none is named.
    pub is_default: bool,
    /// Grows with each change.
    pub version: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// Where the assistant is heard.
    pub fn room(&self) -> Room {
        Room::Conversation(self.id)
    }
}

impl Resource for Conversation {
    const KIND: Kind = Kind::Conversation;
    /// What somebody asks the assistant is private.
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Conversation, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Conversation, "create", Need::Owner);

impl Rights for Conversation {
    const RIGHTS: &'static [Right] = &[READ, CREATE];
}
