//! Rows of the rights table.

use crate::domain::Kind;

use super::{Need, Resource, Scope};

/// An action on a kind of row and the standing it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// On what.
    pub kind: Kind,
    /// What, as a verb.
    pub action: &'static str,
    /// By whom.
    pub need: Need,
    /// Whether it changes anything: an impersonating caller may only look.
    pub writes: bool,
}

impl Right {
    /// To look.
    pub const fn look(kind: Kind, action: &'static str, need: Need) -> Self {
        Self { kind, action, need, writes: false }
    }

    /// To change.
    pub const fn change(kind: Kind, action: &'static str, need: Need) -> Self {
        Self { kind, action, need, writes: true }
    }
}

/// The rights on a kind of row that are no state changes; the golden matrix is made of these and of the state tables.
pub trait Rights {
    /// The rows.
    const RIGHTS: &'static [Right];
}

/// What this caller may change of a row that has no states: `allowed_actions` of its representation.
pub fn allowed_changes<T: Resource + Rights>(scope: &Scope, row: &T) -> Vec<&'static str> {
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
