//! The states of a simulation and who may move it.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Simulation;

text_enum! {
    /// The state of a simulation.
    pub enum State as "SimulationState" {
        /// Waits to be run.
        Pending = "pending",
        /// Is under way.
        Running = "running",
        /// Has its results.
        Done = "done",
        /// Could not be run to its end.
        Failed = "failed",
        /// Its owner called it off.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What can be done to a simulation.
    pub enum Action {
        /// Call it off.
        Cancel = "cancel",
    }
}

const fn rule(from: State, action: Action, who: Need, to: State) -> Rule<State, Action> {
    Rule { from, action, who, to }
}

impl Machine for Simulation {
    type State = State;
    type Action = Action;

    const TABLE: &'static [Rule<State, Action>] =
        &[rule(State::Pending, Action::Cancel, Need::Owner, State::Cancelled)];

    fn state(&self) -> State {
        self.state
    }
}
