//! Which rooms have presence, and who came to them on this node and who left them, for the other nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::RoomPresence;
use crate::ids::{Room, UserId};

/// Changes that wait. Beyond that none is added, and the stored presence must be compared with the rooms.
const MAX_WAITING: usize = 100_000;

/// Changes of presence that are not stored yet; of each room and user the newest. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct PresenceChanges(Option<Arc<Mutex<Waiting>>>);

#[derive(Default)]
struct Waiting {
    changes: BTreeMap<(Room, UserId), bool>,
    overflowed: bool,
}

impl PresenceChanges {
    /// Keeps changes, for whoever stores them.
    pub(super) fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether there may be other nodes.
    pub(super) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn add(&self, room: &Room, user: UserId, is_present: bool) {
        let Some(waiting) = &self.0 else { return };
        let mut waiting = lock(waiting);
        if waiting.changes.len() < MAX_WAITING {
            waiting.changes.insert((room.clone(), user), is_present);
        } else {
            waiting.overflowed = true;
        }
    }

    /// At most `limit` of the changes.
    pub(super) fn take(&self, limit: usize) -> Vec<RoomPresence> {
        let Some(waiting) = &self.0 else { return Vec::new() };
        let mut waiting = lock(waiting);
        let mut taken = Vec::new();
        while taken.len() < limit
            && let Some(((room, user), is_present)) = waiting.changes.pop_first()
        {
            taken.push(RoomPresence { room, user, is_present });
        }
        taken
    }

    /// Gives back changes that could not be stored. Newer ones stay.
    pub(super) fn give_back(&self, changes: Vec<RoomPresence>) {
        let Some(waiting) = &self.0 else { return };
        let mut waiting = lock(waiting);
        for RoomPresence { room, user, is_present } in changes {
            waiting.changes.entry((room, user)).or_insert(is_present);
        }
    }

    /// Whether changes were lost since the last call.
    pub(super) fn take_overflowed(&self) -> bool {
        self.0.as_ref().is_some_and(|waiting| std::mem::take(&mut lock(waiting).overflowed))
    }
}

/// Whether members of a room are sent `presence`. In a market room it would reveal competitors to each other;
/// in the admins' rooms and a user's own room it has no meaning.
pub(crate) fn has_presence(room: &Room) -> bool {
    match room {
        Room::Session(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::Conversation(_)
        | Room::LoadTest(_) => true,
        Room::User(_)
        | Room::Market(_)
        | Room::Entry(_)
        | Room::Simulation(_)
        | Room::Metrics
        | Room::Recorder(_)
        | Room::Admin => false,
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // A panic cannot leave it half-changed.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::tests::support::{room, user};

    #[test]
    fn the_newest_change_of_a_user_counts() {
        let changes = PresenceChanges::kept();
        changes.add(&room("a"), user(1), true);
        let taken = changes.take(10);
        assert_eq!(taken, [RoomPresence { room: room("a"), user: user(1), is_present: true }]);
        changes.add(&room("a"), user(1), false);
        changes.give_back(taken);
        assert_eq!(
            changes.take(10),
            [RoomPresence { room: room("a"), user: user(1), is_present: false }],
            "what is given back is older"
        );
        assert!(changes.take(10).is_empty() && !changes.take_overflowed());
    }

    #[test]
    fn without_other_nodes_nothing_is_kept() {
        let changes = PresenceChanges::default();
        changes.add(&room("a"), user(1), true);
        assert!(changes.take(10).is_empty());
    }
}
