//! Use cases of bookings: reading, starting, completing, cancelling, and creating one as a step of accepting
//! an offer.

use crate::db::UnitOfWork;
use crate::domain::offers::{self, Offer};
use crate::domain::policy::{
    Authorized, Explanation, Right, Scope, Step, audit_action, audit_listing_of, authorize, authorize_admin,
    by_system, conflict, explain_step, step,
};
use crate::domain::projects::{self, NewProject};
use crate::domain::requests::{self, Reason, Request};
use crate::domain::sessions::{self, NewSession};
use crate::domain::{Error, Kind, Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{BookingId, UserId};

use super::events::announce;
use super::repository::Of;
use super::states::Aftermath;
use super::{
    ATTEND, Action, Attendance, Booking, BookingFilter, Change, LIST_OF_SUSPENDED, SEE, State, repository,
};

/// The booking, for its parties and admins.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
) -> Result<Authorized<Booking>, Error> {
    let booking = repository::find(uow, id)?;
    authorize(uow, scope, booking, SEE)
}

/// The booking, for admins who were authorized to ask what can become of it.
pub(in crate::domain) fn of_id(uow: &mut UnitOfWork<'_>, id: BookingId) -> Result<Booking, Error> {
    repository::find(uow, id)
}

/// Why this caller may or may not do this with the booking; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    Ok(explain_step(scope, &repository::find(uow, id)?, action))
}

/// The booking as a room to join: for its parties unless it is cancelled, and for admins.
pub(crate) fn authorize_room(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
) -> Result<Authorized<Attendance>, Error> {
    let booking = repository::find(uow, id)?;
    authorize(uow, scope, Attendance(booking), ATTEND)
}

/// The caller's bookings, newest first; all bookings for an admin.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &BookingFilter,
    page: Page<BookingId>,
) -> Result<Slice<Booking, BookingId>, Error> {
    audit_listing_of(uow, scope, Kind::Booking, filter.user)?;
    let rows = repository::list(uow, Of::listed(scope, filter.user), filter, page)?;
    Ok(page.slice(rows, |booking| booking.id))
}

/// The bookings of which a party is suspended, newest first; for admins. A suspension leaves bookings as they are,
/// and the other party may need help.
pub(crate) fn list_of_suspended(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    filter: &BookingFilter,
    page: Page<BookingId>,
) -> Result<Slice<Booking, BookingId>, Error> {
    authorize_admin(uow, scope, LIST_OF_SUSPENDED, None)?;
    let rows = repository::list(uow, Of::Suspended, filter, page)?;
    Ok(page.slice(rows, |booking| booking.id))
}

/// Starts the work.
pub(crate) fn start(uow: &mut UnitOfWork<'_>, scope: &Scope, id: BookingId) -> Result<Booking, Error> {
    let (_, step) = take(uow, scope, id, Action::Start, |booking| booking.provider_user_id == scope.user())?;
    match step {
        Taken::Already(booking) => Ok(booking),
        Taken::To(before, state) => {
            let after = repository::update(uow, &before, Booking { state, ..before.clone() })?;
            announce(uow, Some(scope.user()), Change::Started, &after);
            Ok(after)
        }
    }
}

/// Completes the work, which fulfils the request.
pub(crate) fn complete(uow: &mut UnitOfWork<'_>, scope: &Scope, id: BookingId) -> Result<Booking, Error> {
    let by = Some(scope.user());
    let (request, step) = take(uow, scope, id, Action::Complete, |booking| booking.completed_by == by)?;
    match step {
        Taken::Already(booking) => Ok(booking),
        Taken::To(before, state) => {
            requests::fulfil(uow, by, request)?;
            let after = Booking { state, completed_by: by, ..before.clone() };
            let after = repository::update(uow, &before, after)?;
            announce(uow, by, Change::Completed, &after);
            Ok(after)
        }
    }
}

/// Cancels the booking, which voids its offer. The request is open again if the work has not started, and closed
/// otherwise.
pub(crate) fn cancel(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
    reason: Option<&Reason>,
) -> Result<Booking, Error> {
    call_off(uow, scope, id, Action::Cancel, reason)
}

/// Cancels the booking as an admin, with a reason.
pub(crate) fn force_cancel(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
    reason: &Reason,
) -> Result<Booking, Error> {
    call_off(uow, scope, id, Action::ForceCancel, Some(reason))
}

fn call_off(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
    action: Action,
    reason: Option<&Reason>,
) -> Result<Booking, Error> {
    let by = Some(scope.user());
    let (request, step) = take(uow, scope, id, action, |booking| booking.cancelled_by == by)?;
    let (before, state) = match step {
        Taken::Already(booking) => return Ok(booking),
        Taken::To(before, state) => (before, state),
    };
    let after = Booking {
        state,
        cancelled_by: by,
        cancel_reason: reason.map(|reason| reason.as_str().to_owned()),
        ..before.clone()
    };
    match before.state.aftermath() {
        Aftermath::Reopened => requests::reopen(uow, by, request)?,
        Aftermath::Closed => requests::close(uow, by, request)?,
    };
    offers::void(uow, by, before.offer_id)?;
    let after = repository::update(uow, &before, after)?;
    announce(uow, by, Change::Cancelled, &after);
    if action == Action::ForceCancel {
        let right = Right::to::<Booking>(action);
        audit_action(uow, scope, &after, right, reason.map(Reason::as_str))?;
    }
    // The booking and its session stay readable for both parties; only the right to be live in its room has
    // ended.
    for user in [after.consumer_user_id, after.provider_user_id] {
        uow.end(Revocation::Membership {
            user,
            room: after.room(),
            seq: None,
            reason: RevocationReason::NoStanding,
        });
    }
    Ok(after)
}

/// Creates the booking of an accepted offer, with its session and project. A step of accepting, whose caller
/// holds the request's lock.
pub(in crate::domain) fn open(
    uow: &mut UnitOfWork<'_>,
    by: Option<UserId>,
    request: &Request,
    offer: &Offer,
) -> Result<Booking, Error> {
    let now = uow.now();
    let booking = by_system(Booking {
        id: BookingId::new(now),
        offer_id: offer.id,
        request_id: request.id,
        title: request.details.title.clone(),
        consumer_id: request.consumer_id,
        provider_id: offer.provider_id,
        consumer_user_id: request.user_id,
        provider_user_id: offer.user_id,
        price: offer.terms.price,
        slot: offer.terms.slot,
        address: request.details.place.address.clone(),
        state: State::Confirmed,
        completed_by: None,
        cancelled_by: None,
        cancel_reason: None,
        version: 1,
        created_at: now,
        updated_at: now,
        session_id: offer.session_id,
        project_id: None,
    });
    repository::lock_calendar(uow, booking.provider_id)?;
    repository::insert(uow, &booking)?;
    let (consumer_user, provider_user) = (booking.consumer_user_id, booking.provider_user_id);
    let new = NewSession { request_id: request.id, consumer_user, provider_user };
    let session = sessions::open(uow, &new)?;
    sessions::attach_booking(uow, session, booking.id)?;
    let title = request.details.title.clone();
    let new = NewProject { booking_id: booking.id, consumer_user, provider_user, title };
    let project = projects::open_for_booking(uow, &new)?;
    let booking = Booking { project_id: Some(project.id), ..booking.into_row() };
    announce(uow, by, Change::Created, &booking);
    Ok(booking)
}

enum Taken {
    /// A valid transition to this state.
    To(Authorized<Booking>, State),
    /// Already in the target state by an action of this caller.
    Already(Booking),
}

/// Locks, authorizes and looks up the transition. If the booking is in the target state already,
/// `is_own_deed` separates a repeated call, which succeeds, from losing a race, which is a conflict.
fn take(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: BookingId,
    action: Action,
    is_own_deed: impl FnOnce(&Booking) -> bool,
) -> Result<(Request, Taken), Error> {
    let request = repository::request_of(uow, id)?;
    let request = requests::lock(uow, request)?;
    let booking = repository::find(uow, id)?;
    let booking = authorize(uow, scope, booking, Right::to::<Booking>(action))?;
    match step(scope, &*booking, action)? {
        Step::To(state) => Ok((request, Taken::To(booking, state))),
        Step::Already if is_own_deed(&booking) => Ok((request, Taken::Already(booking.into_row()))),
        Step::Already => Err(conflict(scope, &*booking, action)),
    }
}
