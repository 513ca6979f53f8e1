//! What a change of the sessions calls for outside of them.

use std::rc::Rc;

use super::super::parcel::Departure;
use super::super::{Evict, Pushed};
use super::membership::Taken;
use crate::realtime::close::CloseReason;

/// Carried out when nothing is borrowed: a session that is asked to end may drop its guard at once.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) evictions: Vec<(Evict, CloseReason)>,
    pub(super) cuts: Vec<Rc<dyn Fn()>>,
    /// For the RoomHub.
    pub(super) departures: Vec<Departure>,
}

/// What became of one parcel on this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) queued: u64,
    pub(super) replaced: u64,
    pub(super) dropped: u64,
}

impl Delivered {
    pub(super) fn count(&mut self, taken: Taken) {
        match taken {
            Taken::Pushed(Pushed::Queued) => self.queued += 1,
            Taken::Pushed(Pushed::Replaced) => self.replaced += 1,
            Taken::Pushed(Pushed::Dropped) => self.dropped += 1,
            Taken::Pushed(Pushed::Overflow | Pushed::Closed) | Taken::Waiting | Taken::Known | Taken::Gap => {
            }
        }
    }
}
