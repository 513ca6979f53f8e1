//! Why somebody may or may not do something: the policy's own decision, told to people.

use super::authorize::{Decision, decide};
use super::machine::{Machine, allowed_actions, step};
use super::{Need, Resource, Right, Rights, Scope};

/// What the policy and the row's state say of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The action, by its name in the table.
    pub(crate) action: &'static str,
    /// The standing that it needs.
    pub(crate) need: Need,
    /// What the policy says.
    pub(crate) decision: Decision,
    /// What the row's state says, of rows that have states.
    pub(crate) state: Option<StateSays>,
}

/// What a row's state says of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateSays {
    /// The state.
    pub(crate) current: &'static str,
    /// Whether the action is possible in it.
    pub(crate) permits: bool,
    /// What the caller may do in it.
    pub(crate) allowed_actions: Vec<&'static str>,
}

/// Explains an action on a row without states; `None` if there is no such action.
pub(crate) fn explain_right<T: Resource + Rights>(
    scope: &Scope,
    row: &T,
    action: &str,
) -> Option<Explanation> {
    let right = T::RIGHTS.iter().find(|right| right.action == action)?;
    Some(of_right(scope, row, *right))
}

/// Explains an action on a row with states; `None` if there is no such action.
pub(crate) fn explain_step<M: Machine + Rights>(scope: &Scope, row: &M, action: &str) -> Option<Explanation> {
    let taken = M::TABLE.iter().map(|rule| rule.action).find(|known| Into::<&str>::into(*known) == action);
    let Some(taken) = taken else { return explain_right(scope, row, action) };
    let state = StateSays {
        current: row.state().into(),
        permits: step(scope, row, taken).is_ok() && row.is_unobstructed(taken),
        allowed_actions: allowed_actions(scope, row),
    };
    Some(Explanation { state: Some(state), ..of_right(scope, row, Right::to::<M>(taken)) })
}

fn of_right<T: Resource>(scope: &Scope, row: &T, right: Right) -> Explanation {
    let decision = decide(scope, row, right);
    Explanation { action: right.action, need: right.need, decision, state: None }
}
