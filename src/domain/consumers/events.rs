//! What happens to consumers' profiles, and who hears of it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConsumerId, Room, UserId};

/// A consumer's profile changed. The owner's other devices hear of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConsumerUpdated {
    /// Which.
    pub consumer_id: ConsumerId,
    /// Whose.
    #[serde(skip)]
    pub owner: UserId,
}

impl DomainEvent for ConsumerUpdated {
    fn kind(&self) -> &'static str {
        "consumer.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }
}
