//! Use cases of requests that callers ask for; those of the system are in `steps.rs`.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::policy::{
    Authorized, Explanation, Right, Scope, Step, audit_action, audit_listing_of, authorize, blocked,
    explain_step, step,
};
use crate::domain::users::{self, Role};
use crate::domain::{Error, Kind, Page, Slice, consumers, offers};
use crate::ids::RequestId;

use super::events::{RequestChanged, announce};
use super::{
    Action, CREATE, Change, Creation, Edit, LONGEST_TERM, NewRequest, Opening, Reason, Request,
    RequestDetails, RequestFilter, SEE, State, TERM, repository,
};

/// Creates a request.
pub fn create(uow: &mut UnitOfWork<'_>, scope: &Scope, new: &NewRequest) -> Result<Request, Error> {
    let now = uow.now();
    let consumer_id = consumers::id_of(uow, scope.user())?;
    let creation = Creation { id: RequestId::new(now), user_id: scope.user(), consumer_id };
    let creation = authorize(uow, scope, creation, CREATE)?;
    check_wanted_at(now, new.details.wanted_at)?;
    let (state, expires_at, change) = match new.opening {
        Opening::Draft => (State::Draft, None, Change::Drafted),
        Opening::Open(asked) => {
            (State::Open, Some(end_of_term(now, asked, now.plus(TERM))?), Change::Published)
        }
    };
    let request = repository::insert(uow, creation, new.details.clone(), state, expires_at)?;
    announce(uow, Some(scope.user()), change, &request, &request);
    Ok(request)
}

/// The request, for those who may see it: its owner, its bidders, providers while it is open, admins.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
) -> Result<Authorized<Request>, Error> {
    let request = repository::find(uow, scope, id)?;
    authorize(uow, scope, request, SEE)
}

/// The request, for admins who were authorized to ask what can become of it.
pub(in crate::domain) fn of_id(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
) -> Result<Request, Error> {
    repository::find(uow, scope, id)
}

/// Why this caller may or may not do this with the request; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    Ok(explain_step(scope, &repository::find(uow, scope, id)?, action))
}

/// The requests that this caller may browse, newest first: a consumer's own, the open ones for a provider,
/// all for an admin.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &RequestFilter,
    page: Page<RequestId>,
) -> Result<Slice<Request, RequestId>, Error> {
    if scope.role() == Role::Provider && filter.state.is_some_and(|state| state != State::Open) {
        return Err(Error::invalid(
            "state",
            "providers browse open requests; their own offers are in /offers",
        ));
    }
    audit_listing_of(uow, scope, Kind::Request, filter.user)?;
    let rows = repository::list(uow, scope, filter, page)?;
    Ok(page.slice(rows, |request| request.id))
}

/// Publishes a draft.
pub(crate) fn publish(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    until: Option<Timestamp>,
) -> Result<Request, Error> {
    let now = uow.now();
    change(uow, scope, id, Action::Publish, Change::Published, None, |request| {
        request.expires_at = Some(end_of_term(now, until, now.plus(TERM))?);
        check_wanted_at(now, request.details.wanted_at)
    })
}

/// Edits a request.
///
/// While offers are live this creates a new revision: they were made for the previous details, so each must
/// be affirmed by its provider before it can be accepted. An edit without an effect creates none.
pub(crate) fn edit(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    expected: Option<i64>,
    edit: &Edit,
) -> Result<Request, Error> {
    let request = repository::lock_for(uow, scope, id)?;
    let request = authorize(uow, scope, request, Right::to::<Request>(Action::Edit))?;
    if expected.is_some_and(|version| version != request.version) {
        return Err(Error::Stale { kind: Kind::Request, current: request.version });
    }
    let Step::To(state) = step(scope, &*request, Action::Edit)? else { return Ok(request.into_row()) };
    let mut after = Request { state, ..request.clone() };
    apply(edit, &mut after.details);
    if after.details == request.details {
        return Ok(request.into_row());
    }
    if edit.wanted_at.is_some() {
        check_wanted_at(uow.now(), after.details.wanted_at)?;
    }
    let bidders = offers::live_bidders(uow, id)?;
    if !bidders.is_empty() {
        after.revision += 1;
    }
    let after = repository::update(uow, &request, after)?;
    uow.record(Some(scope.user()), &RequestChanged::new(Change::Edited, &request, &after, &bidders));
    Ok(after)
}

/// Extends an open request until the given time, or by the default term.
pub(crate) fn extend(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    until: Option<Timestamp>,
) -> Result<Request, Error> {
    let now = uow.now();
    change(uow, scope, id, Action::Extend, Change::Extended, None, |request| {
        let end = request.expires_at.unwrap_or(now);
        let usual = end.plus(TERM).min(now.plus(LONGEST_TERM));
        let asked = end_of_term(now, until, usual)?;
        if asked < end || (until.is_none() && asked == end) {
            return Err(Error::invalid("expires_at", "must be later than it is"));
        }
        request.expires_at = Some(asked);
        Ok(())
    })
}

/// Cancels an open request, which closes its live offers.
pub(crate) fn cancel(uow: &mut UnitOfWork<'_>, scope: &Scope, id: RequestId) -> Result<Request, Error> {
    change(uow, scope, id, Action::Cancel, Change::Cancelled, None, |_| Ok(()))
}

/// Removes a request from the market with a reason, as an admin, which closes its live offers.
pub(crate) fn remove(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    reason: &Reason,
) -> Result<Request, Error> {
    change(uow, scope, id, Action::Remove, Change::Removed, Some(reason), |_| Ok(()))
}

/// Restores a removed request with a reason, as an admin: until its previous expiry, or for a new term if
/// that has passed.
pub(crate) fn restore(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    reason: &Reason,
) -> Result<Request, Error> {
    let now = uow.now();
    change(uow, scope, id, Action::Restore, Change::Restored, Some(reason), |request| {
        let end = request.expires_at.filter(|end| *end > now);
        request.expires_at = Some(end.unwrap_or_else(|| now.plus(TERM)));
        Ok(())
    })
}

/// One transition: lock, authorize, look up, change, announce. A request in the target state already is left
/// unchanged.
fn change(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: RequestId,
    action: Action,
    change: Change,
    reason: Option<&Reason>,
    apply: impl FnOnce(&mut Request) -> Result<(), Error>,
) -> Result<Request, Error> {
    let request = repository::lock_for(uow, scope, id)?;
    let right = Right::to::<Request>(action);
    let request = authorize(uow, scope, request, right)?;
    let Step::To(state) = step(scope, &*request, action)? else { return Ok(request.into_row()) };
    if state == State::Open && !users::repository::lock_active(uow, request.user_id)? {
        let detail = "its owner is suspended";
        return Err(blocked(scope, &*request, users::SUSPENDED, detail));
    }
    let mut after = Request { state, ..request.clone() };
    apply(&mut after)?;
    let after = repository::update(uow, &request, after)?;
    let by = Some(scope.user());
    announce(uow, by, change, &request, &after);
    if let Some(reason) = reason {
        audit_action(uow, scope, &after, right, Some(reason.as_str()))?;
    }
    if matches!(state, State::Cancelled | State::Removed) {
        offers::close_live(uow, by, id, None)?;
    }
    Ok(after)
}

fn apply(edit: &Edit, details: &mut RequestDetails) {
    let Edit { category, title, description, budget, address, point, wanted_at } = edit.clone();
    details.category = category.unwrap_or_else(|| details.category.clone());
    details.title = title.unwrap_or_else(|| details.title.clone());
    details.description = description.unwrap_or_else(|| details.description.clone());
    details.budget = budget.unwrap_or(details.budget);
    details.place.address = address.unwrap_or_else(|| details.place.address.clone());
    details.place.point = point.unwrap_or(details.place.point);
    details.wanted_at = wanted_at.unwrap_or(details.wanted_at);
}

fn check_wanted_at(now: Timestamp, wanted_at: Option<Timestamp>) -> Result<(), Error> {
    match wanted_at {
        Some(at) if at <= now => Err(Error::invalid("wanted_at", "must be ahead")),
        _ => Ok(()),
    }
}

fn end_of_term(now: Timestamp, asked: Option<Timestamp>, usual: Timestamp) -> Result<Timestamp, Error> {
    let Some(asked) = asked else { return Ok(usual) };
    if asked <= now || asked.since(now) > LONGEST_TERM {
        let days = LONGEST_TERM.as_secs() / Duration::from_hours(24).as_secs();
        return Err(Error::invalid("expires_at", format!("must be ahead, and at most {days} days")));
    }
    Ok(asked)
}
