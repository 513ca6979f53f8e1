//! Use cases of offers, except accepting (`accept.rs`).

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::money::Currency;
use crate::domain::policy::{
    Authorized, Explanation, Machine, Right, Scope, Step, audit_action, audit_listing_of, authorize, blocked,
    explain_step, step,
};
use crate::domain::requests::{self, Reason, Request};
use crate::domain::sessions::{self, NewSession};
use crate::domain::{Error, Kind, Page, Slice, providers, users};
use crate::ids::{OfferId, RequestId, UserId};

use super::events::announce;
use super::{
    Action, Change, Creation, NewOffer, Offer, OfferFilter, Revision, SEE, SUBMIT, State, TERM, Terms,
    repository, steps,
};

/// Submits an offer on a request. Opens the session of the two users with the provider's first offer.
pub(crate) fn submit(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    request: RequestId,
    new: &NewOffer,
) -> Result<Offer, Error> {
    let now = uow.now();
    let request = requests::lock_for(uow, scope, request)?;
    let creation = Creation {
        id: OfferId::new(now),
        user_id: scope.user(),
        provider_id: providers::id_of(uow, scope.user())?,
        may_answer: request.user_id != scope.user() && request.state != requests::State::Draft,
    };
    let creation = authorize(uow, scope, creation, SUBMIT)?;
    let end = end_of(scope, &request)?;
    require_active_sides(uow, scope, &request, [request.user_id, scope.user()])?;
    let terms = Terms {
        price: new.price,
        message: new.message.clone(),
        slot: new.slot,
        valid_until: new.valid_until.unwrap_or_else(|| now.plus(TERM).min(end).min(new.slot.start())),
    };
    check(&terms, now, end, request.details.budget.currency())?;
    expire_own(uow, scope, request.id)?;
    let session = sessions::open(
        uow,
        &NewSession { request_id: request.id, consumer_user: request.user_id, provider_user: scope.user() },
    )?;
    let offer = Offer {
        id: creation.id,
        request_id: request.id,
        provider_id: creation.provider_id.ok_or(Error::NotFound(Kind::Provider))?,
        user_id: creation.user_id,
        consumer_user_id: request.user_id,
        terms,
        request_revision: request.revision,
        state: State::Pending,
        stored: State::Pending,
        version: 1,
        created_at: now,
        updated_at: now,
        is_outdated: false,
        session_id: session.id,
        booking_id: None,
    };
    repository::insert(uow, &creation, &offer)?;
    announce(uow, Some(scope.user()), Change::Submitted, &offer);
    Ok(offer)
}

/// The offer, for its provider, the request's owner and admins.
pub(crate) fn find(uow: &mut UnitOfWork<'_>, scope: &Scope, id: OfferId) -> Result<Authorized<Offer>, Error> {
    let offer = repository::find(uow, id)?;
    authorize(uow, scope, offer, SEE)
}

/// The offer, for admins who were authorized to ask what can become of it.
pub(in crate::domain) fn of_id(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<Offer, Error> {
    repository::find(uow, id)
}

/// Why this caller may or may not do this with the offer; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: OfferId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    Ok(explain_step(scope, &repository::find(uow, id)?, action))
}

/// The caller's offers, made or received, newest first; all offers for an admin.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &OfferFilter,
    page: Page<OfferId>,
) -> Result<Slice<Offer, OfferId>, Error> {
    audit_listing_of(uow, scope, Kind::Offer, filter.user)?;
    let rows = repository::list(uow, &repository::Of::listed(scope, filter.user), filter, page)?;
    Ok(page.slice(rows, |offer| offer.id))
}

/// The offers on a request, newest first: all for its owner and admins, only their own for a provider.
pub(crate) fn of_request(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    request: RequestId,
    filter: &OfferFilter,
    page: Page<OfferId>,
) -> Result<Slice<Offer, OfferId>, Error> {
    let request = requests::find(uow, scope, request)?;
    let sees_all = request.user_id == scope.user() || scope.is_admin();
    let of = match sees_all {
        true => repository::Of::Request(request.id),
        false => repository::Of::RequestBy(request.id, scope.user()),
    };
    let rows = repository::list(uow, &[of], filter, page)?;
    Ok(page.slice(rows, |offer| offer.id))
}

/// Revises an offer, or affirms it unchanged, for the current revision of its request.
pub(crate) fn revise(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: OfferId,
    expected: Option<i64>,
    revision: &Revision,
) -> Result<Offer, Error> {
    let now = uow.now();
    let (request, offer) = lock(uow, id)?;
    let offer = authorize(uow, scope, offer, Right::to::<Offer>(Action::Revise))?;
    if expected.is_some_and(|version| version != offer.version) {
        return Err(Error::Stale { kind: Kind::Offer, current: offer.version });
    }
    let Step::To(state) = step(scope, &*offer, Action::Revise)? else { return Ok(offer.into_row()) };
    let Revision { price, message, slot, valid_until } = revision.clone();
    let slot = slot.unwrap_or(offer.terms.slot);
    let terms = Terms {
        price: price.unwrap_or(offer.terms.price),
        message: message.unwrap_or_else(|| offer.terms.message.clone()),
        slot,
        // An earlier slot shortens a previously stored validity silently; only a value given in this call may
        // be rejected.
        valid_until: valid_until.unwrap_or_else(|| offer.terms.valid_until.min(slot.start())),
    };
    check(&terms, now, end_of(scope, &request)?, request.details.budget.currency())?;
    require_active_sides(uow, scope, &*offer, [request.user_id, offer.user_id])?;
    let after =
        Offer { state, terms, request_revision: request.revision, is_outdated: false, ..offer.clone() };
    let after = repository::update(uow, &offer, after)?;
    announce(uow, Some(scope.user()), Change::Revised, &after);
    Ok(after)
}

/// Declines the offer, as the request's owner.
pub(crate) fn decline(uow: &mut UnitOfWork<'_>, scope: &Scope, id: OfferId) -> Result<Offer, Error> {
    change(uow, scope, id, Action::Decline, Change::Declined, None)
}

/// Withdraws the offer, as its provider.
pub(crate) fn withdraw(uow: &mut UnitOfWork<'_>, scope: &Scope, id: OfferId) -> Result<Offer, Error> {
    change(uow, scope, id, Action::Withdraw, Change::Withdrawn, None)
}

/// Removes the offer, as an admin, with a reason.
pub(crate) fn remove(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: OfferId,
    reason: &Reason,
) -> Result<Offer, Error> {
    change(uow, scope, id, Action::Remove, Change::Removed, Some(reason))
}

/// Loads the offer with its request locked.
pub(super) fn lock(uow: &mut UnitOfWork<'_>, id: OfferId) -> Result<(Request, Offer), Error> {
    let request = repository::request_of(uow, id)?;
    let request = requests::lock(uow, request)?;
    Ok((request, repository::find(uow, id)?))
}

fn change(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: OfferId,
    action: Action,
    change: Change,
    reason: Option<&Reason>,
) -> Result<Offer, Error> {
    let right = Right::to::<Offer>(action);
    let (_, offer) = lock(uow, id)?;
    let offer = authorize(uow, scope, offer, right)?;
    let Step::To(state) = step(scope, &*offer, action)? else { return Ok(offer.into_row()) };
    let after = repository::update(uow, &offer, Offer { state, ..offer.clone() })?;
    announce(uow, Some(scope.user()), change, &after);
    if let Some(reason) = reason {
        audit_action(uow, scope, &after, right, Some(reason.as_str()))?;
    }
    Ok(after)
}

/// Refuses what would bind a suspended user. Their offers lapse and their requests are closed by the suspension or,
/// where there are many, soon after it; neither can be acted on in between.
pub(super) fn require_active_sides<M: Machine>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    row: &M,
    sides: [UserId; 2],
) -> Result<(), Error> {
    if users::repository::lock_both_active(uow, sides)? {
        return Ok(());
    }
    Err(blocked(scope, row, users::SUSPENDED, "one of the two sides is suspended"))
}

/// The latest `valid_until` of an offer on this request; a conflict if the request is not open.
fn end_of(scope: &Scope, request: &Request) -> Result<Timestamp, Error> {
    match request.expires_at {
        Some(end) if request.state == requests::State::Open => Ok(end),
        _ => Err(Error::Conflict {
            action: "answer",
            kind: Kind::Request,
            current_state: request.state.as_str(),
            allowed_actions: crate::domain::policy::allowed_actions(scope, request),
        }),
    }
}

fn check(terms: &Terms, now: Timestamp, end: Timestamp, currency: Currency) -> Result<(), Error> {
    if terms.price.currency() != currency {
        return Err(Error::invalid("price.currency", format!("must be the request's: {currency}")));
    }
    if terms.slot.start() <= now {
        return Err(Error::invalid("slot.start", "must be ahead"));
    }
    if terms.valid_until <= now || terms.valid_until > end || terms.valid_until > terms.slot.start() {
        let needed = "must be ahead, and neither after the request's end nor after the slot's start";
        return Err(Error::invalid("valid_until", needed));
    }
    Ok(())
}

/// Expires the caller's own overdue offer, which must not block the next one, however late the sweeper is.
fn expire_own(uow: &mut UnitOfWork<'_>, scope: &Scope, request: RequestId) -> Result<(), Error> {
    let own = repository::live_by_on(uow, scope.user(), request)?;
    own.filter(Offer::is_overdue).map_or(Ok(()), |offer| steps::expire(uow, offer))
}
