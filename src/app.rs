//! The components that every worker thread shares. This module only bundles them; what each one does is in
//! its own module.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::auth::{Auth, Invalidations};
use crate::bus::BusStatus;
use crate::clock::Clock;
use crate::config::{Config, PlanLimits};
use crate::db::{Db, DbError};
use crate::domain::Error;
use crate::domain::entries::Journal;
use crate::domain::quotas::DailyLimits;
use crate::domain::simulations::SimulationLimits;
use crate::domain::users::Plan;
use crate::generation::{GenerationSlots, TextGenerator};
use crate::hub::{BoardClients, HubHandle};
use crate::ids::UserId;
use crate::jobs::{Answers, Masterplans, Reflections, Simulations};
use crate::limits::CallerLimits;
use crate::nodes::Nodes;
use crate::telemetry::{Metrics, Rounds, SweepFailures};

/// The shared components. Cheap to clone: each worker thread holds its own copy.
#[derive(Clone)]
pub struct App {
    /// The configuration: read once at start, never changed.
    pub config: Arc<Config>,
    /// The current time; tests replace it by a clock that they move.
    pub(crate) clock: Clock,
    /// The database.
    pub db: Db,
    /// The keys that seal journals.
    pub(crate) journal: Journal,
    /// Authentication of tokens and passwords.
    pub auth: Arc<Auth>,
    /// What authentication hears of rights that end.
    pub(crate) invalidations: Invalidations,
    /// Live connections: membership of rooms and delivery of notices.
    pub hub: HubHandle,
    /// The clients that have each project's board open.
    pub(crate) board_clients: BoardClients,
    /// Writes texts.
    pub generator: Arc<dyn TextGenerator>,
    /// How many texts are written at once, and who is next.
    pub generation_slots: GenerationSlots,
    /// Reflections that are being written or followed.
    pub(crate) reflections: Reflections,
    /// Answers of the assistant that are being written or followed.
    pub(crate) answers: Answers,
    /// Has masterplans written.
    pub(crate) masterplans: Masterplans,
    /// Runs simulations.
    pub(crate) simulations: Simulations,
    /// Request rates of users and addresses, shared by all worker threads.
    pub(crate) rates: Arc<CallerLimits>,
    /// The Prometheus metrics.
    pub metrics: Arc<Metrics>,
    /// This process among those on its database.
    pub(crate) node_status: NodeStatus,
    /// The other processes on its database.
    pub(crate) nodes: Nodes,
    /// The connection to the bus between nodes, if there is one.
    pub(crate) bus: Option<BusStatus>,
    /// The sweeper's rounds.
    pub(crate) sweeps: Arc<Rounds>,
    /// What the sweeper could not settle.
    pub(crate) sweep_failures: Arc<SweepFailures>,
    /// Whether the server is shutting down; `/readyz` then fails, so that load balancers send no more
    /// requests.
    pub stopping: Stopping,
}

impl App {
    /// The limits that this server's configuration gives to a plan.
    pub(crate) fn limits(&self, plan: Plan) -> PlanLimits {
        match plan {
            Plan::Free => self.config.plans.free(),
            Plan::Pro => self.config.plans.pro(),
            Plan::Enterprise => self.config.plans.enterprise(),
        }
    }

    /// How many connections a user has, on all nodes.
    pub(crate) async fn connections_of(&self, user: UserId) -> Result<usize, DbError> {
        Ok(self.hub.connections_of(user) + self.nodes.connections_elsewhere(user).await?)
    }

    /// What this server's configuration gives to a plan of simulations.
    pub(crate) fn simulation_limits(&self, plan: Plan) -> SimulationLimits {
        let limits = self.limits(plan);
        SimulationLimits {
            live: limits.simulations,
            per_day: limits.simulations_per_day,
            steps: limits.simulation_steps,
            runs: limits.simulation_runs,
        }
    }

    /// The daily quotas among them.
    pub(crate) fn daily_limits(&self, plan: Plan) -> DailyLimits {
        let limits = self.limits(plan);
        DailyLimits {
            messages: limits.messages_per_day,
            plans: limits.plans_per_day,
            characters: limits.generated_characters_per_day,
        }
    }

    /// Counts a refusal by a daily quota; other errors are not counted.
    pub(crate) fn count_quota_refusal(&self, plan: Plan, error: &Error) {
        if let Error::QuotaExceeded { quota, .. } = error {
            self.metrics.plan_limited(quota.as_str(), plan.as_str());
        }
    }
}

/// The state of this process among those on its database.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeStatus(Arc<NodeFlags>);

#[derive(Debug, Default)]
struct NodeFlags {
    leads: AtomicBool,
    is_cut_off: AtomicBool,
}

impl NodeStatus {
    /// Whether this process does what one process on the database should do. Two may do it for a moment.
    pub(crate) fn leads(&self) -> bool {
        self.0.leads.load(Ordering::Acquire)
    }

    pub(crate) fn set_leading(&self, leads: bool) {
        if self.0.leads.swap(leads, Ordering::AcqRel) != leads {
            log::info!(leads; "the leader has changed");
        }
    }

    /// Whether this process does not hear what others commit, and therefore has no live sessions.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.0.is_cut_off.load(Ordering::Acquire)
    }

    pub(crate) fn set_cut_off(&self, is_cut_off: bool) {
        self.0.is_cut_off.store(is_cut_off, Ordering::Release);
    }
}

/// A flag that is set once, when the server begins to shut down.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Marks the server as shutting down; there is no way back.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the server is shutting down.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
