//! The audit trail as admins read it. Rows are written where the audited action happens, through
//! [`UnitOfWork::audit`].

use std::time::Duration;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::audit_log::Outcome;
use crate::db::schema::audit;
use crate::db::{DbError, UnitOfWork};
use crate::ids::{AuditId, UserId};

use super::policy::{Need, Right, Scope, authorize_admin};
use super::{Error, Kind, Page, Slice};

/// The time in an id is in whole milliseconds.
const ID_RESOLUTION: Duration = Duration::from_millis(1);

const READ: Right = Right::look(Kind::Audit, "read", Need::Admin);

/// A row of the audit trail, as read by an admin.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct Entry {
    /// Primary key; orders the trail.
    pub(crate) id: AuditId,
    /// Time of the transaction that wrote it.
    pub(crate) at: Timestamp,
    /// The acting user; `None` for unauthenticated callers and the command line.
    pub(crate) actor: Option<UserId>,
    /// `act` subject of an external token: the person who impersonated `actor`.
    pub(crate) impersonator: Option<String>,
    /// Whether it was refused, allowed to an admin, or done.
    pub(crate) outcome: Outcome,
    /// The attempted action, as a verb.
    pub(crate) action: String,
    /// Spelling of the [`Kind`] of row it was attempted on.
    pub(crate) kind: String,
    /// Id of that row, where there is one.
    pub(crate) row_id: Option<String>,
    /// Previous values or the reason.
    pub(crate) detail: Option<String>,
    /// The call's id, as in `X-Request-Id`.
    pub(crate) call_id: Option<String>,
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

/// Which audit rows to list; `None` means any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only actions of this user.
    pub(crate) actor: Option<UserId>,
    /// Only actions on rows of this kind.
    pub(crate) kind: Option<Kind>,
    /// Only actions on the row of this id.
    pub(crate) row: Option<String>,
    /// Only actions with this outcome.
    pub(crate) outcome: Option<Outcome>,
    /// Only actions of this name.
    pub(crate) action: Option<String>,
    /// Only actions at this time or later.
    pub(crate) from: Option<Timestamp>,
    /// Only actions before this time.
    pub(crate) until: Option<Timestamp>,
}

/// The audit trail for admins, newest first.
pub(crate) fn list(
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
    if let Some(action) = &filter.action {
        query = query.filter(audit::action.eq(action));
    }
    if let Some(from) = filter.from {
        // By id as well, which begins with the time: a page ends there instead of reading on to the oldest row.
        query = query.filter(audit::id.ge(AuditId::first_at(from))).filter(audit::at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query
            .filter(audit::id.lt(AuditId::first_at(until.plus(ID_RESOLUTION))))
            .filter(audit::at.lt(until));
    }
    if let Some(before) = page.before {
        query = query.filter(audit::id.lt(before));
    }
    Ok(query.load(uow.conn())?)
}
