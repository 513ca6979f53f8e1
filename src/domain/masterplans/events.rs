//! Domain events of masterplans. They go to the owner only, and hold no text: the log of the user's room
//! outlives the conversation.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConversationId, MasterplanId, ProjectId, Room, UserId};

/// A masterplan was drafted.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct MasterplanCreated {
    /// The masterplan.
    pub(crate) masterplan_id: MasterplanId,
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for MasterplanCreated {
    fn kind(&self) -> &'static str {
        "masterplan.created"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner), Room::Conversation(self.conversation_id)]
    }

    /// Admins may not even know that the conversation exists.
    fn for_admins(&self) -> bool {
        false
    }
}

/// The tasks of a masterplan came onto a board.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct MasterplanApplied {
    /// The masterplan.
    pub(crate) masterplan_id: MasterplanId,
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
    /// The project of the board.
    pub(crate) project_id: ProjectId,
    /// How many tasks.
    pub(crate) tasks: usize,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for MasterplanApplied {
    fn kind(&self) -> &'static str {
        "masterplan.applied"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner), Room::Conversation(self.conversation_id)]
    }

    fn for_admins(&self) -> bool {
        false
    }
}
