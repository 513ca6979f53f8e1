//! What time and other features' use cases do to requests, by the same table. Nobody asks for these by themselves:
//! their callers were authorized on what they did ask for.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{by_system, system_step};
use crate::domain::{Error, offers};
use crate::ids::{RequestId, UserId};

use super::events::announce;
use super::{Action, Change, Request, State, repository};

/// An offer was accepted.
pub(in crate::domain) fn book(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    take(uow, by, request, Action::Book, Change::Booked)
}

/// The booking was completed.
pub(in crate::domain) fn fulfil(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    take(uow, by, request, Action::Fulfil, Change::Fulfilled)
}

/// The booking was cancelled before the start: back to the market, unless the request's time is over meanwhile.
pub(in crate::domain) fn reopen(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: Request,
) -> Result<Request, Error> {
    let request = take(uow, by, request, Action::Reopen, Change::Reopened)?;
    if request.expires_at.is_some_and(|end| end <= uow.now()) { expire(uow, request) } else { Ok(request) }
}

/// Open requests whose time is over, at most `limit`, those that waited longest first.
pub fn overdue(uow: &mut UnitOfWork<'_>, limit: u16) -> Result<Vec<RequestId>, DbError> {
    repository::overdue(uow, limit)
}

/// Expires the request and its live offers, if its time is over and nobody was faster; says whether it did.
pub fn expire_overdue(uow: &mut UnitOfWork<'_>, id: RequestId) -> Result<bool, Error> {
    let request = repository::lock(uow, id)?;
    if !request.is_overdue() {
        return Ok(false);
    }
    expire(uow, request)?;
    offers::lapse_live(uow, None, id, None)?;
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
