//! Tells the members of a simulation's room how far it is.

use std::time::Duration;

use crate::app::App;
use crate::hub::{Delivery, LatestKey};
use crate::ids::Room;
use crate::jobs::SimulationProgress;
use crate::protocol::Notice;

/// Nobody sees more than ten steps a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells for ever. Only the newest progress counts, so nothing is repeated for a hub that was busy.
pub(crate) async fn run(app: &App) {
    let mut progress = app.simulations.watch();
    while progress.changed().await.is_ok() {
        let newest = *progress.borrow_and_update();
        let Some(SimulationProgress { id, done, total }) = newest else { continue };
        let room = Room::Simulation(id);
        let latest = Delivery::Latest(LatestKey::progress(room.clone()));
        let _ = app.hub.tell(room, Notice::SimulationProgress { simulation_id: id, done, total }, latest);
        tokio::time::sleep(PAUSE).await;
    }
    // Not reached: the application holds the sender.
    std::future::pending().await
}
