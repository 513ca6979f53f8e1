//! The simulation state machine: states, actions, and who may take which.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Simulation;

text_enum! {
    /// The state of a simulation.
    pub(crate) enum State as "SimulationState" {
        /// Waiting to be run.
        Pending = "pending",
        /// Being run.
        Running = "running",
        /// Finished, with results.
        Done = "done",
        /// Aborted by an error.
        Failed = "failed",
        /// Cancelled by its owner.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Actions on a simulation. All but cancelling are the system's.
    pub(crate) enum Action {
        /// Cancel, as its owner.
        Cancel = "cancel",
        /// Begin to compute.
        Start = "start",
        /// Store the result.
        Complete = "complete",
        /// Give up: it cannot be computed.
        Fail = "fail",
    }
}

const fn rule(from: State, action: Action, who: Need, to: State) -> Rule<State, Action> {
    Rule { from, action, who, to }
}

impl Machine for Simulation {
    type State = State;
    type Action = Action;

    const TABLE: &'static [Rule<State, Action>] = &[
        rule(State::Pending, Action::Cancel, Need::Owner, State::Cancelled),
        rule(State::Running, Action::Cancel, Need::Owner, State::Cancelled),
        rule(State::Pending, Action::Start, Need::System, State::Running),
        rule(State::Running, Action::Complete, Need::System, State::Done),
        rule(State::Running, Action::Fail, Need::System, State::Failed),
    ];

    fn state(&self) -> State {
        self.state
    }
}
