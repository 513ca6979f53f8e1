//! State machines as tables: `(from, action, who) -> to`.
//!
//! The services obey the table, `allowed_actions` of every representation comes from it, and the golden rights matrix
//! is generated from it.

use crate::domain::Error;

use super::{Need, Resource, Right, Scope};

/// A row of a transition table.
#[derive(Clone, Copy, Debug)]
pub struct Rule<S: 'static, A: 'static> {
    /// In this state
    pub from: S,
    /// this action
    pub action: A,
    /// by these
    pub who: Need,
    /// leads to this state.
    pub to: S,
}

/// A row that has states.
pub trait Machine: Resource {
    /// Its states.
    type State: Copy + PartialEq + Into<&'static str> + 'static;
    /// What can be done to it.
    type Action: Copy + PartialEq + Into<&'static str> + 'static;
    /// The table.
    const TABLE: &'static [Rule<Self::State, Self::Action>];

    /// The state it is in.
    fn state(&self) -> Self::State;

    /// Whether nothing but the state decides about `action`. A row that knows of an obstacle says no, so that nobody
    /// is offered what would be refused; the service still says why.
    fn is_unobstructed(&self, _action: Self::Action) -> bool {
        true
    }
}

/// What an action means in the state a row is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<S> {
    /// It leads to this state.
    To(S),
    /// The row is where the action would lead already. Whether that was this caller's deed, the service must say.
    Already,
}

impl Right {
    /// The right to an action of a state machine, as its table has it.
    pub fn to<M: Machine>(action: M::Action) -> Right {
        let who = M::TABLE.iter().find(|rule| rule.action == action).map_or(Need::System, |rule| rule.who);
        Right::change(M::KIND, action.into(), who)
    }
}

/// Where `action` leads from the row's state, or the conflict that the caller is told of.
pub fn step<M: Machine>(scope: &Scope, row: &M, action: M::Action) -> Result<Step<M::State>, Error> {
    let state = row.state();
    let of_action = || M::TABLE.iter().filter(move |rule| rule.action == action);
    if let Some(rule) = of_action().find(|rule| rule.from == state) {
        return Ok(Step::To(rule.to));
    }
    if of_action().any(|rule| rule.to == state && rule.from != rule.to) {
        return Ok(Step::Already);
    }
    Err(conflict(scope, row, action))
}

/// Where a step of the system leads from the row's state.
pub fn system_step<M: Machine>(row: &M, action: M::Action) -> Result<M::State, Error> {
    let rule = M::TABLE.iter().find(|rule| rule.action == action && rule.from == row.state());
    rule.map(|rule| rule.to).ok_or_else(|| Error::Conflict {
        action: action.into(),
        kind: M::KIND,
        current_state: row.state().into(),
        allowed_actions: Vec::new(),
    })
}

/// The error for an action that fits the row's state, but for an obstacle.
pub fn blocked<M: Machine>(scope: &Scope, row: &M, code: &'static str, detail: &'static str) -> Error {
    Error::Blocked {
        code,
        detail,
        current_state: row.state().into(),
        allowed_actions: allowed_actions(scope, row),
    }
}

/// The error for an action that does not fit the row's state.
pub fn conflict<M: Machine>(scope: &Scope, row: &M, action: M::Action) -> Error {
    Error::Conflict {
        action: action.into(),
        kind: M::KIND,
        current_state: row.state().into(),
        allowed_actions: allowed_actions(scope, row),
    }
}

/// What this caller may do to the row in the state it is in.
pub fn allowed_actions<M: Machine>(scope: &Scope, row: &M) -> Vec<&'static str> {
    if scope.impersonator().is_some() {
        return Vec::new();
    }
    let standing = row.standing(scope);
    let admin = scope.is_admin() && M::ADMIN_PASSES;
    let mut actions: Vec<&'static str> = M::TABLE
        .iter()
        .filter(|rule| rule.from == row.state() && row.is_unobstructed(rule.action))
        .filter(|rule| rule.who.is_met_by(standing) || (admin && rule.who != Need::System))
        .map(|rule| rule.action.into())
        .collect();
    actions.dedup();
    actions
}
