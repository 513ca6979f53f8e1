//! Simulations: pricing runs, readable by their owner only. The plan limits how many of a user's may be
//! waiting or running. `jobs` computes them.

mod events;
mod history;
mod input;
mod market;
mod repository;
mod scenario;
mod service;
mod states;

pub(crate) use events::Change;
pub(crate) use input::SimulationInput;
pub(crate) use market::Assumptions;
pub(crate) use scenario::{Area, Reference, Runs, Scenario, Seed, Steps};
pub(crate) use service::{
    NewSimulation, SimulationLimits, assume, cancel, compare, create, find, finish, give_up, is_running,
    list, next, release, start, usage,
};
pub(crate) use states::{Action, State};

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::ids::{Room, SimulationId, UserId};

/// A pricing simulation.
#[derive(Clone, Debug)]
pub(crate) struct Simulation {
    /// Primary key; also names the room.
    pub(crate) id: SimulationId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// Its input.
    pub(crate) scenario: Scenario,
    /// What it assumes of its market, once that is known: at the latest when it starts.
    pub(crate) assumptions: Option<Assumptions>,
    /// Current state.
    pub(crate) state: State,
    /// What it brought, as JSON, once it is done.
    pub(crate) result: Option<Arc<RawValue>>,
    /// Incremented by each change.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

impl Simulation {
    /// The room in which its progress is published.
    pub(crate) fn room(&self) -> Room {
        Room::Simulation(self.id)
    }
}

impl Resource for Simulation {
    const KIND: Kind = Kind::Simulation;
    /// Private: an intended price is its owner's secret.
    const ADMIN_PASSES: bool = false;
    const IS_PRIVATE: bool = true;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Stranger }
    }
}

const READ: Right = Right::look(Kind::Simulation, "read", Need::Owner);
const CREATE: Right = Right::change(Kind::Simulation, "create", Need::Owner);

impl Rights for Simulation {
    const RIGHTS: &'static [Right] = &[READ, CREATE];
}
