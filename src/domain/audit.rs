//! The audit trail as admins read it. What is written into it stands where it is done.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::audit_log::Outcome;
use crate::db::schema::audit;
use crate::db::{DbError, UnitOfWork};
use crate::ids::{AuditId, UserId};

use super::policy::{Need, Right, Scope, authorize_admin};
use super::{Error, Kind, Page, Slice};

const READ: Right = Right::look(Kind::Audit, "read", Need::Admin);

/// Who, as whom, did or was refused what.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Entry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who; nobody when nobody was authenticated.
    pub actor: Option<UserId>,
    /// Who really sat at the keyboard.
    pub impersonator: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried.
    pub action: String,
    /// On what kind of thing.
    pub kind: String,
    /// On which one.
    pub row_id: Option<String>,
    /// Old values or the reason.
    pub detail: Option<String>,
    /// The call.
    pub call_id: Option<String>,
}

type Columns = (
    audit::id,
    audit::at,
    audit::actor,
    audit::impersonator,
    audit::outcome,
    audit::action,
    audit::kind,
    audit::row_id,
    audit::detail,
    audit::call_id,
);
const COLUMNS: Columns = (
    audit::id,
    audit::at,
    audit::actor,
    audit::impersonator,
    audit::outcome,
    audit::action,
    audit::kind,
    audit::row_id,
    audit::detail,
    audit::call_id,
);

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only what this user did or tried.
    pub actor: Option<UserId>,
    /// Only what was done to things of this kind.
    pub kind: Option<Kind>,
    /// Only what was done to this one.
    pub row: Option<String>,
    /// Only what ended like this.
    pub outcome: Option<Outcome>,
}

/// The trail, newest first.
pub fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &Filter,
    page: &Page<AuditId>,
) -> Result<Slice<Entry, AuditId>, Error> {
    authorize_admin(uow, scope, READ, None)?;
    Ok(page.slice(read(uow, filter, page)?, |entry| entry.id))
}

fn read(uow: &mut UnitOfWork<'_>, filter: &Filter, page: &Page<AuditId>) -> Result<Vec<Entry>, DbError> {
    let mut query = audit::table.select(COLUMNS).order(audit::id.desc()).limit(page.fetch()).into_boxed();
    if let Some(actor) = filter.actor {
        query = query.filter(audit::actor.eq(actor));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(audit::kind.eq(kind.as_str()));
    }
    if let Some(row) = &filter.row {
        query = query.filter(audit::row_id.eq(row));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(audit::outcome.eq(outcome));
    }
    if let Some(before) = page.before {
        query = query.filter(audit::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}
