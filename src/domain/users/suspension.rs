//! What a suspension does to the market: the user's open requests are closed, their live offers lapse.
//!
//! A few are settled in the suspension's own unit of work. The sweeper settles the rest of somebody who has many;
//! none of them can be acted on in between, since whoever would bind a suspended user is refused.

use crate::db::UnitOfWork;
use crate::domain::{Error, offers, requests};
use crate::ids::UserId;

/// Requests, and offers, that a suspension settles itself.
const AT_ONCE: u16 = 50;

/// Closes the user's open requests and live offers; returns whether those were all. Called before the user's own row
/// is written: requests are locked before users, as where an offer is accepted, and in the order of their ids. And once
/// more after it, for what was being made until then.
pub(super) fn leave_market(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<bool, Error> {
    let own = requests::open_of(uow, user, AT_ONCE)?;
    let offered = offers::live_by(uow, user, AT_ONCE)?;
    let are_all = own.len() < usize::from(AT_ONCE) && offered.len() < usize::from(AT_ONCE);
    let mut concerned: Vec<_> =
        own.iter().copied().chain(offered.iter().map(|(_, request)| *request)).collect();
    concerned.sort_unstable();
    concerned.dedup();
    for request in concerned {
        requests::lock(uow, request)?;
    }
    for request in own {
        requests::close_open(uow, request)?;
    }
    for (offer, _) in offered {
        offers::lapse(uow, offer)?;
    }
    Ok(are_all)
}
