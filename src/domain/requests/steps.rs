//! Transitions of requests made by the sweeper and by other features' use cases, through the same table. Not
//! callable on their own: the callers were authorized on the action that they were asked for.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{by_system, system_step};
use crate::domain::{Error, offers};
use crate::ids::{RequestId, UserId};

use super::events::announce;
use super::{Action, Change, Request, State, repository};

/// Marks the request as booked, after an offer was accepted.
pub(in crate::domain) fn book(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    take(uow, by, request, Action::Book, Change::Booked)
}

/// Marks the request as fulfilled, after its booking was completed.
pub(in crate::domain) fn fulfil(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    take(uow, by, request, Action::Fulfil, Change::Fulfilled)
}

/// Reopens the request after its booking was cancelled before the work started; expires it instead if it is
/// overdue.
pub(in crate::domain) fn reopen(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    let request = take(uow, by, request, Action::Reopen, Change::Reopened)?;
    if request.expires_at.is_some_and(|end| end <= uow.now()) { expire(uow, request) } else { Ok(request) }
}

/// Ids of open requests that have expired, at most `limit`, earliest expiry first.
pub(crate) fn overdue(uow: &mut UnitOfWork<'_>, limit: u16) -> Result<Vec<RequestId>, DbError> {
    repository::overdue(uow, limit)
}

/// Expires the request and its live offers if it is overdue and still open; returns whether it did.
pub(crate) fn expire_overdue(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<bool, Error> {
    let request = repository::lock(uow, id)?;
    if !request.is_overdue() {
        return Ok(false);
    }
    expire(uow, request)?;
    offers::close_live(uow, None, id, None)?;
    Ok(true)
}

fn expire(uow: &mut UnitOfWork<'_>, request: Request) -> Result<Request, Error> {
    let as_stored = Request { state: request.stored, ..request };
    take(uow, None, as_stored, Action::Expire, Change::Expired)
}

fn take(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
    action: Action,
    change: Change,
) -> Result<Request, Error> {
    let state: State = system_step(&request, action)?;
    let before = by_system(request);
    let after = repository::update(uow, &before, Request { state, ..before.clone() })?;
    announce(uow, by, change, &before, &after);
    Ok(after)
}
