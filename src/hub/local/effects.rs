//! What a change of the sessions calls for outside of them.

use std::rc::Rc;

use crate::hub::message::MembershipRef;
use crate::hub::{Evict, Pushed};
use crate::protocol::close::CloseReason;

use super::membership::DeliveryResult;

/// Carried out when nothing is borrowed: a session that is asked to end may drop its guard at once.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) evictions: Vec<(Evict, CloseReason)>,
    pub(super) aborts: Vec<Rc<dyn Fn()>>,
    /// For the RoomHub.
    pub(super) departures: Vec<MembershipRef>,
}

/// What became of one parcel on this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) queued: u64,
    pub(super) replaced: u64,
    pub(super) dropped: u64,
}

impl Delivered {
    pub(super) fn count(&mut self, result: DeliveryResult) {
        match result {
            DeliveryResult::Pushed(Pushed::Queued) => self.queued += 1,
            DeliveryResult::Pushed(Pushed::Replaced) => self.replaced += 1,
            DeliveryResult::Pushed(Pushed::Dropped) => self.dropped += 1,
            DeliveryResult::Pushed(Pushed::Overflow | Pushed::Closed)
            | DeliveryResult::Waiting
            | DeliveryResult::Known
            | DeliveryResult::Gap => {}
        }
    }
}
