//! Transitions of offers made by the sweeper and by other features' use cases, through the same table.
//! Callers hold the request's row lock and have been authorized on the action that they were asked for.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{by_system, system_step};
use crate::domain::{Due, Error, requests, users};
use crate::ids::{OfferId, RequestId, UserId};

use super::events::announce;
use super::{Action, Change, Offer, State, repository};

/// The users with a live offer on this request.
pub(in crate::domain) fn live_bidders(
    uow: &mut UnitOfWork<'_>,
    request: RequestId,
) -> Result<Vec<UserId>, DbError> {
    let offers = repository::live_of(uow, request)?;
    Ok(offers.iter().filter(|offer| !offer.is_overdue()).map(|offer| offer.user_id).collect())
}

/// Closes the live offers of a request except `chosen`: as not selected, or as expired if they were overdue.
pub(in crate::domain) fn close_live(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: RequestId,
    chosen: Option<OfferId>,
) -> Result<(), Error> {
    let offers = repository::live_of(uow, request)?;
    offers.into_iter().filter(|offer| Some(offer.id) != chosen).try_for_each(|offer| {
        if offer.is_overdue() {
            return expire(uow, offer);
        }
        take(uow, by, offer, Action::Lapse, Change::NotSelected)
    })
}

/// Voids the offer of a booking that was cancelled.
pub(in crate::domain) fn void(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    offer: OfferId,
) -> Result<(), Error> {
    let offer = repository::find(uow, offer)?;
    take(uow, by, offer, Action::Void, Change::Voided)
}

/// Live offers that have expired, at most `limit` after `after`, earliest expiry first.
pub(crate) fn overdue(
    uow: &mut UnitOfWork<'_>,
    after: Option<Due<OfferId>>,
    limit: u16,
) -> Result<Vec<Due<OfferId>>, DbError> {
    repository::overdue(uow, after, limit)
}

/// Expires the offer if it is overdue and still live; returns whether it did.
pub(crate) fn expire_overdue(uow: &mut UnitOfWork<'_>, due: Due<OfferId>) -> Result<bool, Error> {
    let offer = locked(uow, due.id)?;
    if !offer.is_overdue() {
        return Ok(false);
    }
    expire(uow, offer)?;
    Ok(true)
}

/// The user's live offers with their requests, at most `limit`.
pub(in crate::domain) fn live_by(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    limit: u16,
) -> Result<Vec<(OfferId, RequestId)>, DbError> {
    repository::live_by(uow, user, limit)
}

/// Ids of live offers of suspended users, at most `limit` after `after`.
pub(crate) fn of_suspended(
    uow: &mut UnitOfWork<'_>,
    after: Option<OfferId>,
    limit: u16,
) -> Result<Vec<OfferId>, DbError> {
    repository::of_suspended(uow, after, limit)
}

/// Closes the offer if it is live and its provider suspended; returns whether it did.
pub(crate) fn lapse_of_suspended(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<bool, Error> {
    let offer = locked(uow, id)?;
    if users::repository::lock_active(uow, offer.user_id)? {
        return Ok(false);
    }
    lapse(uow, id)
}

/// Closes the offer as not selected if it is live, or as expired if it is overdue; returns whether it did.
pub(in crate::domain) fn lapse(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<bool, Error> {
    let offer = locked(uow, id)?;
    match offer.state {
        State::Pending | State::Countered => take(uow, None, offer, Action::Lapse, Change::NotSelected)?,
        _ if offer.is_overdue() => expire(uow, offer)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The offer, with its request locked.
fn locked(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<Offer, Error> {
    let request = repository::request_of(uow, id)?;
    requests::lock(uow, request)?;
    repository::find(uow, id)
}

/// Expires an overdue offer.
pub(super) fn expire(uow: &mut UnitOfWork<'_>, offer: Offer) -> Result<(), Error> {
    let as_stored = Offer { state: offer.stored, ..offer };
    take(uow, None, as_stored, Action::Expire, Change::Expired)
}

fn take(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    offer: Offer,
    action: Action,
    change: Change,
) -> Result<(), Error> {
    let state = system_step(&offer, action)?;
    let before = by_system(offer);
    let after = repository::update(uow, &before, Offer { state, ..before.clone() })?;
    announce(uow, by, change, &after);
    Ok(())
}
