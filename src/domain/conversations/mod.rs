//! Conversations: a user's chats with the assistant, readable by their owner only and not even by admins.
//!
//! Each user has at most one default conversation, used where none is named and created when first asked for.

pub(crate) mod adoption;
mod events;
pub(crate) mod messages;
mod repository;
mod service;
mod title;

pub(crate) use events::{ConversationCreated, ConversationDeleted, ConversationUpdated};
pub use service::own;
pub(crate) use service::{NewConversation, create, delete, find, find_for_message, list, rename};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConversationId, Room, UserId};

/// Title of a conversation.
pub(crate) type ConversationTitle = SingleLine<120>;

/// A conversation. Its title may be the beginning of what the owner wrote: it goes into no event and no log.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::conversations)]
pub struct Conversation {
    /// Primary key; also names the room.
    pub id: ConversationId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// Title, if it has one.
    pub(crate) title: Option<ConversationTitle>,
    /// Whether it is the default conversation.
    pub(crate) is_default: bool,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

impl Conversation {
    /// The room in which the assistant's output is published.
    pub(crate) fn room(&self) -> Room {
        Room::Conversation(self.id)
    }
}

impl Resource for Conversation {
    const KIND: Kind = Kind::Conversation;
    /// What a user asks the assistant is private.
    const ADMIN_PASSES: bool = false;
    const IS_PRIVATE: bool = true;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Conversation, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Conversation, "create", Need::Owner);
const RENAME: Right = Right::change(Kind::Conversation, "rename", Need::Owner);
const DELETE: Right = Right::change(Kind::Conversation, "delete", Need::Owner);
/// The right to say something in it, and to have it answered.
const MESSAGE: Right = Right::change(Kind::Conversation, "message", Need::Owner);

impl Rights for Conversation {
    const RIGHTS: &'static [Right] = &[READ, CREATE, RENAME, DELETE, MESSAGE];
}
