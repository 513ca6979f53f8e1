//! Domain events of provider profiles and catalogues. They go to the owner's user room.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{ProviderId, Room, UserId};

crate::db::text_enum! {
    /// Part of a provider's data that clients reload as a whole.
    pub(crate) enum Part {
        /// The profile.
        Profile = "profile",
        /// The services.
        Services = "services",
        /// The offer templates.
        Templates = "templates",
        /// The portfolio photos.
        Portfolio = "portfolio",
    }
}

/// A part of a provider's profile or catalogue changed. The owner's other devices reload that part.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ProviderUpdated {
    /// The provider.
    pub(crate) provider_id: ProviderId,
    /// What to reload.
    pub(crate) part: Part,
    /// The owning user, who receives the event.
    #[serde(skip)]
    pub(crate) owner: UserId,
}

impl DomainEvent for ProviderUpdated {
    fn kind(&self) -> &'static str {
        "provider.updated"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner)]
    }
}
