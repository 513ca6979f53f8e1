//! The components that everything shares, each with why it exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::{Config, PlanLimits};
use crate::db::Db;
use crate::domain::users::Plan;
use crate::hub::{BoardClients, HubHandle};
use crate::limits::CallerLimits;
use crate::telemetry::Metrics;

/// Shared by every worker thread; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What this server was told: read once, never changed.
    pub config: Arc<Config>,
    /// What time it is; tests move it.
    pub clock: Clock,
    /// Where everything is kept.
    pub db: Db,
    /// Says who is asking.
    pub auth: Arc<Auth>,
    /// Who is connected, and who hears what.
    pub hub: HubHandle,
    /// Which clients look at which board.
    pub board_clients: BoardClients,
    /// How much each caller has asked for lately, shared by all workers.
    pub rates: Arc<CallerLimits>,
    /// What is counted, for operators.
    pub metrics: Arc<Metrics>,
    /// Whether the server is on its way out, so that nobody sends it more work.
    pub stopping: Stopping,
}

impl App {
    /// What a plan may use on this server.
    pub fn limits(&self, plan: Plan) -> PlanLimits {
        match plan {
            Plan::Free => self.config.plans.free(),
            Plan::Pro => self.config.plans.pro(),
            Plan::Enterprise => self.config.plans.enterprise(),
        }
    }
}

/// Set once, when the server begins to stop.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// From now on the server is stopping.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it is.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
