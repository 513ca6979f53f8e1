//! What happens to simulations. Their owner alone hears of it: among their notices, and in the simulation's room.

use serde::Serialize;

use crate::db::UnitOfWork;
use crate::events::DomainEvent;
use crate::ids::{Room, SimulationId, UserId};

use super::{Simulation, State};

/// What happened to a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was asked for.
    Created,
    /// Its owner called it off.
    Cancelled,
}

/// A simulation changed. The scenario is not told: who may know it reads the simulation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SimulationChanged {
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

    /// What somebody means to charge is theirs to know.
    fn for_admins(&self) -> bool {
        false
    }
}

/// Announces a change to the simulation's owner.
pub(super) fn announce(uow: &mut UnitOfWork<'_>, change: Change, simulation: &Simulation) {
    let Simulation { id: simulation_id, user_id: owner, state, version, .. } = *simulation;
    uow.record(Some(owner), &SimulationChanged { simulation_id, state, version, change, owner });
}
