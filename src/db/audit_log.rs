//! The append-only audit trail: inserting rows. Reading them for admins is `domain::audit`. Both engines reject by
//! trigger updates, and deletes of rows that are not older than `audit_horizon` says, which only the retention moves.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{audit, audit_horizon};
use crate::db::{DbConnection, DbError, each, text_enum};
use crate::ids::{AuditId, CallId, UserId};

text_enum! {
    /// Outcome of an audited action.
    pub(crate) enum Outcome {
        /// Denied: the caller lacked the required standing.
        Refused = "refused",
        /// Allowed only because the caller is an admin; the check otherwise asks for an owner or a party.
        Admin = "admin",
        /// Performed; recorded always, whoever the caller (revocations, suspensions).
        Done = "done",
    }
}

/// An audit row to insert.
#[derive(Clone, Debug)]
pub(crate) struct NewAudit {
    /// The acting user; `None` for unauthenticated callers and the command line.
    pub(crate) actor: Option<UserId>,
    /// `act` subject of an external token: the person who impersonates `actor`.
    pub(crate) impersonator: Option<String>,
    /// Whether it was refused, allowed to an admin, or done.
    pub(crate) outcome: Outcome,
    /// The attempted action, as a verb.
    pub(crate) action: &'static str,
    /// The kind of row it was attempted on, spelled as in the domain's `Kind`.
    pub(crate) kind: &'static str,
    /// Id of that row, where there is one.
    pub(crate) row_id: Option<String>,
    /// Previous values or the reason, as JSON or a short sentence; never a token or user-written text.
    pub(crate) detail: Option<String>,
    /// The call's id, as in `X-Request-Id` and the log.
    pub(crate) call: Option<CallId>,
}

pub(crate) fn append(connection: &mut DbConnection, at: Timestamp, row: &NewAudit) -> Result<(), DbError> {
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(AuditId::new(at)),
            audit::at.eq(at),
            audit::actor.eq(row.actor),
            audit::impersonator.eq(&row.impersonator),
            audit::outcome.eq(row.outcome),
            audit::action.eq(row.action),
            audit::kind.eq(row.kind),
            audit::row_id.eq(&row.row_id),
            audit::detail.eq(&row.detail),
            audit::call_id.eq(row.call.as_ref().map(CallId::as_str)),
        ))
        .execute(connection)?;
    Ok(())
}

/// The oldest rows, at most `limit`, as far as they are from before `older_than`.
pub(crate) fn oldest(
    connection: &mut DbConnection,
    older_than: Timestamp,
    limit: usize,
) -> Result<Vec<AuditId>, DbError> {
    // By id, which begins with the time: the trail needs no index by time.
    let oldest = audit::table.order(audit::id.asc()).limit(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = oldest.select((audit::id, audit::at)).load::<(AuditId, Timestamp)>(connection)?;
    Ok(rows.into_iter().take_while(|(_, at)| *at < older_than).map(|(id, _)| id).collect())
}

/// Lets rows from before this be deleted; `false` if that was so already.
pub(crate) fn allow_deletion(connection: &mut DbConnection, before: Timestamp) -> Result<bool, DbError> {
    let known = audit_horizon::table.find(1).select(audit_horizon::deleted_before);
    if known.get_result::<Timestamp>(connection).optional()?.is_some_and(|known| before <= known) {
        return Ok(false);
    }
    each!(connection, |c| diesel::insert_into(audit_horizon::table)
        .values((audit_horizon::id.eq(1), audit_horizon::deleted_before.eq(before)))
        .on_conflict(audit_horizon::id)
        .do_update()
        .set(audit_horizon::deleted_before.eq(before))
        .execute(c))?;
    Ok(true)
}

/// Deletes rows whose deletion is allowed; returns their number.
pub(crate) fn delete(connection: &mut DbConnection, ids: &[AuditId]) -> Result<usize, DbError> {
    Ok(diesel::delete(audit::table.filter(audit::id.eq_any(ids))).execute(connection)?)
}
