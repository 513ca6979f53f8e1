//! State shared by the [`HubHandle`](super::HubHandle) and the LocalHubs of all threads.

use std::sync::Arc;

use actix::Recipient;
use actix::dev::SendError;
use tokio::sync::oneshot;

use crate::ids::{Room, UserId};

use super::ended::EndedSessions;
use super::message::{Departure, ToRoomHub};
use super::publisher::HubPublisher;
use super::user_limit::UserLimits;
use super::workers::Workers;
use super::{HubBusy, HubConfig, HubMetrics, Recorder};

pub(super) struct Shared {
    pub(super) config: HubConfig,
    pub(super) metrics: HubMetrics,
    pub(super) workers: Arc<Workers>,
    pub(super) user_limits: Arc<UserLimits>,
    pub(super) room_hub: Recipient<ToRoomHub>,
    pub(super) publisher: Arc<HubPublisher>,
    pub(super) recorder: Recorder,
    pub(super) ended: EndedSessions,
}

impl Shared {
    /// The actor that is responsible for a room. There is one for all rooms; sharding them would change only
    /// this function.
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

    /// Reports ended memberships to the RoomHub; returns those that its full mailbox refused.
    pub(super) fn report(&self, departures: Vec<Departure>) -> Vec<Departure> {
        match self.room_hub.try_send(ToRoomHub::Departed(departures)) {
            Err(SendError::Full(ToRoomHub::Departed(departures))) => departures,
            // Accepted, or the process is stopping and the RoomHub is gone.
            _ => Vec::new(),
        }
    }
}
