//! Domain events of simulations. They go to the owner's user room and to the simulation's room.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::db::UnitOfWork;
use crate::events::DomainEvent;
use crate::ids::{Room, SimulationId, UserId};

use super::{Simulation, State};

/// How a simulation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Created; waiting to run.
    Created,
    /// Being computed.
    Started,
    /// Finished, with a result.
    Completed,
    /// Given up.
    Failed,
    /// Cancelled by its owner.
    Cancelled,
}

/// A simulation changed. Excludes the scenario: those who may see it read it from the simulation. The result is
/// included, so that whoever follows it needs no further request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SimulationChanged {
    simulation_id: SimulationId,
    state: State,
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Arc<RawValue>>,
    #[serde(skip)]
    change: Change,
    #[serde(skip)]
    owner: UserId,
}

impl SimulationChanged {
    /// A simulation of which no more is known was given up.
    pub(super) fn given_up(simulation_id: SimulationId, owner: UserId, version: i64) -> Self {
        Self { simulation_id, state: State::Failed, version, result: None, change: Change::Failed, owner }
    }
}

impl DomainEvent for SimulationChanged {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "simulation.created",
            Change::Started => "simulation.started",
            Change::Completed => "simulation.completed",
            Change::Failed => "simulation.failed",
            Change::Cancelled => "simulation.cancelled",
        }
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.owner), Room::Simulation(self.simulation_id)]
    }

    /// Private: an intended price is its owner's secret.
    fn for_admins(&self) -> bool {
        false
    }
}

/// Records a simulation event; `by` is `None` for the system.
pub(super) fn announce(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    change: Change,
    simulation: &Simulation,
) {
    let Simulation { id: simulation_id, user_id: owner, state, version, .. } = *simulation;
    let result = simulation.result.clone();
    uow.record(by, &SimulationChanged { simulation_id, state, version, result, change, owner });
}
