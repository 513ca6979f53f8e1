//! What happens to conversations. Their owner alone hears of it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConversationId, Room, UserId};

/// Somebody has a conversation now, on whichever of their devices it began.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConversationCreated {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Whether it is the one that is meant where none is named.
    pub is_default: bool,
    /// Whose it is.
    #[serde(skip)]
    pub owner: UserId,
}

impl DomainEvent for ConversationCreated {
    fn kind(&self) -> &'static str {
        "conversation.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }

    /// Private, like what is said in it.
    fn for_admins(&self) -> bool {
        false
    }
}
