//! What happens to projects, and who hears of it.

use serde::Serialize;

use crate::events::Fact;
use crate::ids::{BookingId, ProjectId, Room, UserId};

/// A project was opened. Its first members hear of it among their own notices, and can join its room.
#[derive(Debug, Serialize)]
pub struct ProjectOpened<'a> {
    /// Which.
    pub project_id: ProjectId,
    /// By which booking.
    pub booking_id: Option<BookingId>,
    /// What it is called.
    pub title: &'a str,
    /// Who hears of it; each knows who they are.
    #[serde(skip)]
    pub members: Vec<UserId>,
}

impl Fact for ProjectOpened<'_> {
    fn kind(&self) -> &'static str {
        "project.opened"
    }

    fn rooms(&self) -> Vec<Room> {
        self.members.iter().copied().map(Room::User).collect()
    }
}
