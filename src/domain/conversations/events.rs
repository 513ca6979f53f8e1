//! Domain events of conversations. They go to the owner only, and hold no title: the log of the user's room
//! outlives the conversation.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConversationId, Room, UserId};

/// A conversation was created. For all devices of its owner.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ConversationCreated {
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// Whether it is the default conversation.
    pub(crate) is_default: bool,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ConversationCreated {
    fn kind(&self) -> &'static str {
        "conversation.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    /// Private, like its contents.
    fn for_admins(&self) -> bool {
        false
    }
}

/// A conversation was renamed, or got its title from its first message.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ConversationUpdated {
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// Its new version.
    pub(crate) version: i64,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ConversationUpdated {
    fn kind(&self) -> &'static str {
        "conversation.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    fn for_admins(&self) -> bool {
        false
    }
}

/// A conversation was deleted, with everything in it. Its room and the log of its room are gone as well.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ConversationDeleted {
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ConversationDeleted {
    fn kind(&self) -> &'static str {
        "conversation.deleted"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    fn for_admins(&self) -> bool {
        false
    }
}
