//! Verifying the marketplace's invariants, those that span rows and tables. The schema guards most of them as well;
//! here they are looked for in a database that was restored, repaired by hand or written by a faulty version.
//!
//! Each check is a query for the rows that break it, or looks at every row by itself where a query cannot say it.

mod boards;
mod conversations;
mod deals;
mod money;
mod rows;

use crate::db::DbError;
use crate::db::verify::Verification;

use super::entries::{self, KeyEncryptionKey};

/// Runs every check. With the journal key, what is sealed is opened.
pub(crate) fn run(
    verification: &mut Verification<'_, '_>,
    key: Option<&KeyEncryptionKey>,
) -> Result<(), DbError> {
    money::verify(verification)?;
    for check in deals::CHECKS.iter().chain(boards::CHECKS).chain(conversations::CHECKS).chain(rows::CHECKS) {
        verification.query(check)?;
    }
    boards::verify_contents(verification)?;
    conversations::verify_plans(verification)?;
    rows::verify_stored_answers(verification)?;
    entries::verify(verification, key)
}
