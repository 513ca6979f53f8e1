//! Domain events of conversations. They go to the owner's user room only.

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
