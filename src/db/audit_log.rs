//! The append-only audit trail: inserting rows. Reading them for admins is `domain::audit`; both engines
//! reject updates and deletes by trigger.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::audit;
use crate::db::{DbConnection, DbError, text_enum};
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
