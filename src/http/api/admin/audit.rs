//! `/admin/audit`: the audit trail.

use std::collections::HashMap;

use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::audit_log::Outcome;
use crate::domain::audit::{self, Entry, Filter};
use crate::domain::users::repository as users;
use crate::domain::{Error, Kind, Page};
use crate::http::{Fields, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{AuditId, UserId};

/// An entry of the audit trail: an action, or an attempt that was refused.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    id: AuditId,
    at: Timestamp,
    /// The user; null if unauthenticated, and for the command line, which `detail` names.
    actor: Option<UserId>,
    /// The user's email address.
    actor_email: Option<String>,
    /// The impersonator, if the actor was impersonated.
    impersonator: Option<String>,
    outcome: Outcome,
    /// The action.
    action: String,
    /// The kind of resource.
    kind: String,
    /// The resource's id.
    row: Option<String>,
    /// The old values or the reason.
    detail: Option<String>,
    /// The request's `X-Request-Id`.
    request_id: Option<String>,
}

impl EntryView {
    fn of(entry: Entry, emails: &HashMap<UserId, String>) -> Self {
        Self {
            actor_email: entry.actor.and_then(|actor| emails.get(&actor).cloned()),
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            impersonator: entry.impersonator,
            outcome: entry.outcome,
            action: entry.action,
            kind: entry.kind,
            row: entry.row_id,
            detail: entry.detail,
            request_id: entry.call_id,
        }
    }
}

/// Which entries, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only entries of this user.
    #[param(value_type = Option<UserId>)]
    actor: Option<String>,
    /// Only entries about this kind of resource.
    #[param(value_type = Option<Kind>)]
    kind: Option<String>,
    /// Only entries about this resource; requires `kind`.
    row: Option<String>,
    /// Only entries with this outcome.
    #[param(value_type = Option<Outcome>)]
    outcome: Option<String>,
    /// Only entries of this action.
    #[param(example = "suspend")]
    action: Option<String>,
    /// Only entries of this time or later.
    #[param(value_type = Option<Timestamp>)]
    from: Option<String>,
    /// Only entries before this time.
    #[param(value_type = Option<Timestamp>)]
    until: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(Filter, Page<AuditId>), Error> {
        let mut fields = Fields::default();
        let actor = fields.take_optional("actor", self.actor.map(|text| text.parse::<UserId>()));
        let kind = fields.take_optional("kind", self.kind.map(|text| text.parse::<Kind>()));
        let outcome = fields.take_optional("outcome", self.outcome.map(|text| text.parse::<Outcome>()));
        let row = self.row;
        if row.is_some() && kind.is_some_and(|kind| kind.is_none()) {
            fields.refuse("kind", "must be given with row");
        }
        let from = fields.take_optional("from", self.from.map(|text| text.parse::<Timestamp>()));
        let until = fields.take_optional("until", self.until.map(|text| text.parse::<Timestamp>()));
        let action = self.action;
        let filter = actor.zip(kind).zip(outcome).zip(from.zip(until));
        let filter = filter.map(|(((actor, kind), outcome), (from, until))| Filter {
            actor,
            kind,
            row,
            outcome,
            action,
            from,
            until,
        });
        Ok((fields.finish(filter)?, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// The audit trail, newest first.
#[utoipa::path(
    operation_id = "listAuditEntries",
    params(ListQuery),
    responses((status = 200, body = Paged<EntryView>))
)]
#[get("/admin/audit")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = audit::list(uow, scope, &filter, &page)?;
        let emails = users::emails_of(uow, slice.items.iter().filter_map(|entry| entry.actor))?;
        Reply::ok(&Paged::of(slice.map(|entry| EntryView::of(entry, &emails))))
    })
    .await
}
