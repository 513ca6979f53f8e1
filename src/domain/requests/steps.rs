//! Transitions of requests made by the sweeper and by other features' use cases, through the same table. Not
//! callable on their own: the callers were authorized on the action that they were asked for.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{by_system, system_step};
use crate::domain::{Due, Error, offers, users};
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

/// Closes the request: its owner was suspended, or its booking was cancelled after the work had started.
pub(in crate::domain) fn close(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    take(uow, by, request, Action::Close, Change::Cancelled)
}

/// Reopens the request after its booking was cancelled before the work started; it does not stay open if it is
/// overdue or its owner is suspended.
pub(in crate::domain) fn reopen(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    let request = take(uow, by, request, Action::Reopen, Change::Reopened)?;
    if request.expires_at.is_some_and(|end| end <= uow.now()) {
        return expire(uow, request);
    }
    if !users::repository::lock_active(uow, request.user_id)? {
        return close(uow, None, request);
    }
    Ok(request)
}

/// Open requests that have expired, at most `limit` after `after`, earliest expiry first.
pub(crate) fn overdue(
    uow: &mut UnitOfWork<'_>,
    after: Option<Due<RequestId>>,
    limit: u16,
) -> Result<Vec<Due<RequestId>>, DbError> {
    repository::overdue(uow, after, limit)
}

/// Expires the request and its live offers if it is overdue and still open; returns whether it did.
pub(crate) fn expire_overdue(uow: &mut UnitOfWork<'_>, due: Due<RequestId>) -> Result<bool, Error> {
    let request = repository::lock(uow, due.id)?;
    if !request.is_overdue() {
        return Ok(false);
    }
    expire(uow, request)?;
    offers::close_live(uow, None, due.id, None)?;
    Ok(true)
}

/// Ids of the user's open requests, at most `limit`.
pub(in crate::domain) fn open_of(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limit: u16,
) -> Result<Vec<RequestId>, DbError> {
    repository::open_of(uow, user, limit)
}

/// Ids of open requests of suspended users, at most `limit` after `after`.
pub(crate) fn of_suspended(
    uow: &mut UnitOfWork<'_>,
    after: Option<RequestId>,
    limit: u16,
) -> Result<Vec<RequestId>, DbError> {
    repository::of_suspended(uow, after, limit)
}

/// Closes the request and its live offers if it is open and its owner suspended; returns whether it did.
pub(crate) fn close_of_suspended(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<bool, Error> {
    let request = repository::lock(uow, id)?;
    if users::repository::lock_active(uow, request.user_id)? {
        return Ok(false);
    }
    close_open(uow, id)
}

/// Closes the request and its live offers if it is open; returns whether it did.
pub(in crate::domain) fn close_open(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<bool, Error> {
    let request = repository::lock(uow, id)?;
    match request.state {
        State::Open => close(uow, None, request)?,
        _ if request.is_overdue() => expire(uow, request)?,
        _ => return Ok(false),
    };
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
