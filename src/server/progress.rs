//! Tells the members of a simulation's room how far it is.

use std::time::Duration;

use crate::app::App;
use crate::hub::Ephemeral;
use crate::jobs::SimulationProgress;
use crate::protocol::{Interval, PartialEstimates};
use crate::simulation::Estimate;

/// Nobody sees more than ten steps a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells for ever. Only the newest progress counts, so nothing is repeated for a hub that was busy.
pub(crate) async fn run(app: &App) {
    let mut progress = app.simulations.watch();
    while progress.changed().await.is_ok() {
        let newest = *progress.borrow_and_update();
        let Some(SimulationProgress { id, done, total, estimates }) = newest else { continue };
        // It is being cancelled, and no progress is told after that.
        if app.simulations.is_silent(id) {
            continue;
        }
        let estimates = estimates.map(|so_far| PartialEstimates {
            bookings: interval(so_far.bookings),
            revenue: interval(so_far.revenue),
        });
        let _ = app.hub.tell(Ephemeral::Progress { simulation: id, done, total, estimates });
        tokio::time::sleep(PAUSE).await;
    }
    // Not reached: the application holds the sender.
    std::future::pending().await
}

fn interval(estimate: Estimate) -> Interval {
    let Estimate { value, low, high, .. } = estimate;
    Interval { value, low, high }
}
