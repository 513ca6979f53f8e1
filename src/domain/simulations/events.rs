//! Domain events of simulations. They go to the owner's user room and to the simulation's room.

use serde::Serialize;

use crate::db::UnitOfWork;
use crate::events::DomainEvent;
use crate::ids::{Room, SimulationId, UserId};

use super::{Simulation, State};

/// How a simulation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Created; waiting to run.
    Created,
    /// Cancelled by its owner.
    Cancelled,
}

/// A simulation changed. Excludes the scenario: those who may see it read it from the simulation.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct SimulationChanged {
    simulation_id: SimulationId,
    state: State,
    version: i64,
    #[serde(skip)]
    change: Change,
    #[serde(skip)]
    owner: UserId,
}

impl DomainEvent for SimulationChanged {
    fn kind(&self) -> &'static str {
        match self.change {
            Change::Created => "simulation.created",
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

/// Records a simulation event for the owner.
pub(super) fn announce(uow: &mut UnitOfWork<'_>, change: Change, simulation: &Simulation) {
    let Simulation { id: simulation_id, user_id: owner, state, version, .. } = *simulation;
    uow.record(Some(owner), &SimulationChanged { simulation_id, state, version, change, owner });
}
