//! What the policy must know of a row to decide.

use crate::domain::Kind;

use super::{Scope, Standing};

/// A row that the policy can check.
pub(crate) trait Resource {
    /// Its kind, for errors and audit rows.
    const KIND: Kind;

    /// Whether admins pass the checks. Not for private data: journals, conversations, simulations.
    const ADMIN_PASSES: bool = true;

    /// Whether it is kept from whoever acts as its owner: what no admin sees is not to be seen by viewing as its owner.
    const IS_PRIVATE: bool = false;

    /// Whether synthetic users of load tests may have a standing towards it. They have none towards real
    /// data.
    const FOR_LOAD_TESTS: bool = false;

    /// Its id, for audit rows.
    fn row_id(&self) -> String;

    /// The caller's standing towards it.
    fn standing(&self, scope: &Scope) -> Standing;
}
