//! What the handle and the LocalHubs of all threads have in common.

use std::sync::Arc;

use actix::Recipient;
use actix::dev::SendError;
use tokio::sync::oneshot;

use crate::ids::{Room, UserId};

use super::message::{MembershipRef, ToRoomHub};
use super::publisher::HubPublisher;
use super::user_limit::UserLimits;
use super::workers::Workers;
use super::{HubBusy, HubConfig, HubMetrics};

/// What the handle and the LocalHubs of all threads have in common.
pub(super) struct Shared {
    pub(super) config: HubConfig,
    pub(super) metrics: HubMetrics,
    pub(super) workers: Arc<Workers>,
    pub(super) user_limits: Arc<UserLimits>,
    pub(super) room_hub: Recipient<ToRoomHub>,
    pub(super) publisher: Arc<HubPublisher>,
}

impl Shared {
    /// The actor that keeps a room. One for all rooms now; to shard them, this alone changes.
    pub(super) fn hub_for(&self, _room: &Room) -> &Recipient<ToRoomHub> {
        &self.room_hub
    }

    pub(super) async fn users_in(&self, room: &Room) -> Result<Vec<UserId>, HubBusy> {
        let (reply, answer) = oneshot::channel();
        let ask = ToRoomHub::Members { room: room.clone(), reply };
        self.hub_for(room).try_send(ask).map_err(|_| {
            self.metrics.busy.inc();
            HubBusy
        })?;
        answer.await.map_err(|_| HubBusy)
    }

    /// Tells the RoomHub who left; gives back what it could not take.
    pub(super) fn report(&self, departures: Vec<MembershipRef>) -> Vec<MembershipRef> {
        match self.room_hub.try_send(ToRoomHub::Departed(departures)) {
            Err(SendError::Full(ToRoomHub::Departed(departures))) => departures,
            // Taken, or the process is stopping and there is nobody left to tell.
            _ => Vec::new(),
        }
    }
}
