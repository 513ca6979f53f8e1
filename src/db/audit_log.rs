//! The audit trail: who, as whom, did or was refused what. Rows are only ever added; both engines refuse the rest.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::audit;
use crate::db::{DbConnection, DbError, text_enum};
use crate::ids::{AuditId, CallId, UserId};

text_enum! {
    /// How it ended.
    pub enum Outcome {
        /// The caller lacked the standing.
        Refused = "refused",
        /// An admin passed a check that others must own something for.
        Admin = "admin",
        /// A deed that is always written down (revocations, suspensions).
        Done = "done",
    }
}

/// A row to be written.
#[derive(Clone, Debug)]
pub struct NewAudit {
    /// Who; nobody when nobody was authenticated.
    pub actor: Option<UserId>,
    /// The subject of an outside token's `act`: who really sat at the keyboard.
    pub impersonator: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried.
    pub action: &'static str,
    /// On what kind of thing.
    pub kind: &'static str,
    /// On which one.
    pub row_id: Option<String>,
    /// Old values or the reason: JSON or a short sentence, never a token or a text of a user.
    pub detail: Option<String>,
    /// The call, as in `X-Request-Id` and the log.
    pub call: Option<CallId>,
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
