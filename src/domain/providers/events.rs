//! What happens in shops, and who hears of it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ProviderId, Room, UserId};

crate::db::text_enum! {
    /// The parts of a shop.
    pub enum Part {
        /// What it says of itself.
        Profile = "profile",
        /// What it sells.
        Services = "services",
        /// Its ready-made offer texts.
        Templates = "templates",
        /// Its photos.
        Portfolio = "portfolio",
    }
}

/// A part of a shop changed. The owner's other devices hear of it and read that part again.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ShopUpdated {
    /// Which shop.
    pub provider_id: ProviderId,
    /// Which part of it.
    pub part: Part,
    /// Whose.
    #[serde(skip)]
    pub owner: UserId,
}

impl DomainEvent for ShopUpdated {
    fn kind(&self) -> &'static str {
        "provider.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }
}
