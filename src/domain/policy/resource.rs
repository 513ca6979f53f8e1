//! What the policy has to know of a row.

use crate::domain::Kind;

use super::{Scope, Standing};

/// A row whose owners the policy knows.
pub trait Resource {
    /// Its noun.
    const KIND: Kind;

    /// Whether an admin passes the checks on it. Journals and conversations say no.
    const ADMIN_PASSES: bool = true;

    /// Whether synthetic users of load tests may have a standing towards it. They have none towards anything real.
    const FOR_LOAD_TESTS: bool = false;

    /// Its id, for the audit trail.
    fn row_id(&self) -> String;

    /// What a caller is towards it.
    fn standing(&self, scope: &Scope) -> Standing;
}
