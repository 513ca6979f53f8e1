//! Deleting the oldest events of a room and the oldest rows of the audit trail, a batch at a time. Steps of the system:
//! nobody asks for them.

use crate::clock::Timestamp;
use crate::db::audit_log::{self, NewAudit, Outcome};
use crate::db::{DbError, UnitOfWork, event_log};

use super::Kind;

/// Rows deleted at once.
const BATCH: usize = 1_000;

pub(crate) use event_log::Named;

/// Rooms looked at at once.
const ROOMS: i64 = 1_000;

/// The names of rooms after this one, in their order, and how many events each has; none after the last room.
pub(crate) fn lengths_of_rooms(
    uow: &mut UnitOfWork<'_>,
    named: Named,
    after: &str,
) -> Result<Vec<(String, i64)>, DbError> {
    event_log::lengths(uow.conn(), named, after, ROOMS)
}

/// Deletes a batch of a room's events from before `older_than`, of which the `kept` newest are none; returns their
/// number.
pub(crate) fn trim_room(
    uow: &mut UnitOfWork<'_>,
    room: &str,
    older_than: Timestamp,
    kept: u32,
) -> Result<usize, DbError> {
    event_log::trim(uow.conn(), room, older_than, kept, BATCH)
}

/// Deletes a batch of audit rows from before `older_than`; returns their number. That rows of a time are deleted is
/// itself an audit row, written with the first of them.
pub(crate) fn trim_audit(uow: &mut UnitOfWork<'_>, older_than: Timestamp) -> Result<usize, DbError> {
    let oldest = audit_log::oldest(uow.conn(), older_than, BATCH)?;
    if oldest.is_empty() {
        return Ok(0);
    }
    if audit_log::allow_deletion(uow.conn(), older_than)? {
        uow.audit(NewAudit {
            actor: None,
            impersonator: None,
            outcome: Outcome::Done,
            action: "trim",
            kind: Kind::Audit.as_str(),
            row_id: None,
            detail: Some(format!("rows from before {older_than} were deleted")),
            call: None,
        })?;
    }
    audit_log::delete(uow.conn(), &oldest)
}
