//! Rows of the rights table. Rights to state changes are derived from the state machines instead.

use crate::domain::Kind;

use super::{Need, Resource, Scope};

/// An action on a kind of row, and the standing it requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// Kind of row.
    pub(crate) kind: Kind,
    /// The action, as a verb.
    pub(crate) action: &'static str,
    /// The required standing.
    pub(crate) need: Need,
    /// Whether it changes data: an impersonating caller may only read.
    pub(crate) writes: bool,
}

impl Right {
    /// A right to read.
    pub(crate) const fn look(kind: Kind, action: &'static str, need: Need) -> Self {
        Self { kind, action, need, writes: false }
    }

    /// A right to change.
    pub(crate) const fn change(kind: Kind, action: &'static str, need: Need) -> Self {
        Self { kind, action, need, writes: true }
    }
}

/// The rights on a kind of row other than state changes; together with the state tables, the source of the
/// golden matrix.
pub(crate) trait Rights {
    /// The rights.
    const RIGHTS: &'static [Right];
}

/// The changes that this caller may make to a row without states: `allowed_actions` of its representation.
pub(crate) fn allowed_changes<T: Resource + Rights>(scope: &Scope, row: &T) -> Vec<&'static str> {
    if scope.impersonator().is_some() {
        return Vec::new();
    }
    let standing = row.standing(scope);
    let admin = scope.is_admin() && T::ADMIN_PASSES;
    T::RIGHTS
        .iter()
        .filter(|right| right.writes)
        .filter(|right| right.need.is_met_by(standing) || (admin && right.need != Need::System))
        .map(|right| right.action)
        .collect()
}
