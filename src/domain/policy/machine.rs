//! State machines as tables: `(from, action, who) -> to`.
//!
//! Services look transitions up here, `allowed_actions` of every representation is derived from the tables,
//! and the golden rights matrix is generated from them.

use crate::domain::Error;

use super::{Need, Resource, Right, Scope};

/// A transition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<S: 'static, A: 'static> {
    /// State before.
    pub(crate) from: S,
    /// Action taken.
    pub(crate) action: A,
    /// Standing that the action requires.
    pub(crate) who: Need,
    /// State after.
    pub(crate) to: S,
}

/// A resource with a state machine.
pub(crate) trait Machine: Resource {
    /// The states.
    type State: Copy + PartialEq + Into<&'static str> + 'static;
    /// The actions.
    type Action: Copy + PartialEq + Into<&'static str> + 'static;
    /// The transition table.
    const TABLE: &'static [Rule<Self::State, Self::Action>];

    /// Current state.
    fn state(&self) -> Self::State;

    /// Whether nothing but the state decides about `action`. Overridden where a further condition applies, so
    /// that `allowed_actions` omits what would be rejected; the service still returns the reason.
    fn is_unobstructed(&self, _action: Self::Action) -> bool {
        true
    }
}

/// Result of looking up an action in the row's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<S> {
    /// A transition to this state.
    To(S),
    /// The row is in the target state already. Whether this caller brought it there is for the service to
    /// check.
    Already,
}

impl Right {
    /// The right to an action, with the need from the transition table.
    pub(crate) fn to<M: Machine>(action: M::Action) -> Right {
        let who = M::TABLE.iter().find(|rule| rule.action == action).map_or(Need::System, |rule| rule.who);
        Right::change(M::KIND, action.into(), who)
    }
}

/// The transition for `action` from the row's state, or a conflict error for the caller.
pub(crate) fn step<M: Machine>(scope: &Scope, row: &M, action: M::Action) -> Result<Step<M::State>, Error> {
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

/// The transition for an action taken by the system.
pub(crate) fn system_step<M: Machine>(row: &M, action: M::Action) -> Result<M::State, Error> {
    let rule = M::TABLE.iter().find(|rule| rule.action == action && rule.from == row.state());
    rule.map(|rule| rule.to).ok_or_else(|| Error::Conflict {
        action: action.into(),
        kind: M::KIND,
        current_state: row.state().into(),
        allowed_actions: Vec::new(),
    })
}

/// The error for an action that the state permits but another condition prevents.
pub(crate) fn blocked<M: Machine>(scope: &Scope, row: &M, code: &'static str, detail: &'static str) -> Error {
    Error::Blocked {
        code,
        detail,
        current_state: row.state().into(),
        allowed_actions: allowed_actions(scope, row),
    }
}

/// The error for an action that the row's state does not permit.
pub(crate) fn conflict<M: Machine>(scope: &Scope, row: &M, action: M::Action) -> Error {
    Error::Conflict {
        action: action.into(),
        kind: M::KIND,
        current_state: row.state().into(),
        allowed_actions: allowed_actions(scope, row),
    }
}

/// The actions that the row's state and this caller's standing permit.
pub(crate) fn allowed_actions<M: Machine>(scope: &Scope, row: &M) -> Vec<&'static str> {
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
