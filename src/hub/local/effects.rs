//! Side effects of a change to [`Sessions`](super::sessions::Sessions), to be carried out after it.

use std::rc::Rc;

use crate::hub::message::Departure;
use crate::hub::{Closing, Evict, Pushed};
use crate::protocol::close::CloseReason;

use super::membership::DeliveryResult;

/// Carried out when nothing is borrowed, because a session that is asked to end may drop its
/// [`RegistrationHandle`](super::hub::RegistrationHandle) at once, which borrows the sessions again.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) evictions: Vec<(Evict, CloseReason, Closing)>,
    pub(super) aborts: Vec<Rc<dyn Fn()>>,
    /// Ended memberships, to be reported to the RoomHub.
    pub(super) departures: Vec<Departure>,
}

/// How many frames one message led to on this thread, by result.
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
