//! What time and other features' use cases do to offers, by the same table. Their callers hold the request's lock and
//! were authorized on what they did ask for.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{by_system, system_step};
use crate::domain::{Error, requests};
use crate::ids::{OfferId, RequestId, UserId};

use super::events::announce;
use super::{Action, Change, Offer, repository};

/// The users whose offers on this request are live at this moment.
pub(in crate::domain) fn live_bidders(
    uow: &mut UnitOfWork<'_>,
    request: RequestId,
) -> Result<Vec<UserId>, DbError> {
    let offers = repository::live_of(uow, request)?;
    Ok(offers.iter().filter(|offer| !offer.is_overdue()).map(|offer| offer.user_id).collect())
}

/// The live offers of a request, but for the one that is `chosen`, end here: not selected, or expired where their time
/// was over already.
pub(in crate::domain) fn lapse_live(
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

/// The booking that the offer became was cancelled before the start.
pub(in crate::domain) fn void(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    offer: OfferId,
) -> Result<(), Error> {
    let offer = repository::find(uow, offer)?;
    take(uow, by, offer, Action::Void, Change::Voided)
}

/// Live offers whose time is over, at most `limit`, those that waited longest first.
pub fn overdue(uow: &mut UnitOfWork<'_>, limit: u16) -> Result<Vec<OfferId>, DbError> {
    repository::overdue(uow, limit)
}

/// Expires the offer, if its time is over and nobody was faster; says whether it did.
pub fn expire_overdue(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<bool, Error> {
    let request = repository::request_of(uow, id)?;
    requests::lock(uow, request)?;
    let offer = repository::find(uow, id)?;
    if !offer.is_overdue() {
        return Ok(false);
    }
    expire(uow, offer)?;
    Ok(true)
}

/// Ends one that is overdue.
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
