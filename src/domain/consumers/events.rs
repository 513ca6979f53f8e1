//! Domain events of consumer profiles. They go to the owner's user room.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ConsumerId, Room, UserId};

/// A consumer profile changed. For the owner's other devices.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ConsumerUpdated {
    /// The profile.
    pub(crate) consumer_id: ConsumerId,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ConsumerUpdated {
    fn kind(&self) -> &'static str {
        "consumer.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }
}
