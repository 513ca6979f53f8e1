//! The state machines as data, for admins: what can become of a row, how one came to be where it stands, and who could
//! do what next.
//!
//! The transitions are those of the tables by which services decide, and who may is what the policy says of a call.

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::db::{UnitOfWork, event_log};
use crate::ids::{Room, UserId};

use super::bookings::{self, Booking};
use super::explain::{id, supposed};
use super::offers::{self, Offer};
use super::policy::{
    Machine, Need, Right, Rights, Scope, Verdict, authorize_admin, authorize_admin_because, explain_step,
};
use super::requests::{self, Request};
use super::simulations::{self, Simulation};
use super::users::{User, repository as users};
use super::{Error, Kind};

/// The right to read the state machines.
const READ: Right = Right::look(Kind::Setting, "read the states of", Need::Admin);

/// Newest events of a room that are searched for a row's history.
const SEARCHED: usize = 1_000;

/// A state machine.
#[derive(Clone, Debug)]
pub(crate) struct StateMachine {
    /// What has these states.
    pub(crate) kind: Kind,
    /// All states.
    pub(crate) states: Vec<&'static str>,
    /// All transitions.
    pub(crate) transitions: Vec<Transition>,
}

/// A transition of a state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// State before.
    pub(crate) from: &'static str,
    /// Action taken.
    pub(crate) action: &'static str,
    /// State after.
    pub(crate) to: &'static str,
    /// Standing that the action requires.
    pub(crate) need: Need,
    /// Whether admins may take it, too.
    pub(crate) admins_pass: bool,
}

/// The state machines, for admins.
pub(crate) fn machines(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Vec<StateMachine>, Error> {
    authorize_admin(uow, scope, READ, None)?;
    Ok(vec![
        of::<Request>(requests::State::ALL.iter().map(|state| state.as_str())),
        of::<Offer>(offers::State::ALL.iter().map(|state| state.as_str())),
        of::<Booking>(bookings::State::ALL.iter().map(|state| state.as_str())),
        of::<Simulation>(simulations::State::ALL.iter().map(|state| state.as_str())),
    ])
}

fn of<M: Machine>(states: impl Iterator<Item = &'static str>) -> StateMachine {
    StateMachine { kind: M::KIND, states: states.collect(), transitions: transitions::<M>().collect() }
}

fn transitions<M: Machine>() -> impl Iterator<Item = Transition> {
    M::TABLE.iter().map(|rule| Transition {
        from: rule.from.into(),
        action: rule.action.into(),
        to: rule.to.into(),
        need: rule.who,
        admins_pass: rule.who == Need::Admin || (M::ADMIN_PASSES && rule.who != Need::System),
    })
}

/// Where a row stands.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    /// Its state.
    pub(crate) state: &'static str,
    /// How it came there, oldest first.
    pub(crate) history: Vec<Change>,
    /// Whether older changes may be missing: their events are not kept, or are too far back.
    pub(crate) is_cut: bool,
    /// What could happen next.
    pub(crate) next: Vec<NextStep>,
}

/// A change of a row, as its event tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The event's kind.
    pub(crate) kind: String,
    /// The state afterwards.
    pub(crate) state: Option<String>,
    /// Who caused it; `None` for the system.
    pub(crate) by: Option<UserId>,
    /// When.
    pub(crate) at: Timestamp,
}

/// A transition from where the row stands.
#[derive(Clone, Debug)]
pub(crate) struct NextStep {
    /// The transition.
    pub(crate) transition: Transition,
    /// Whether something besides the state prevents it now.
    pub(crate) is_obstructed: bool,
    /// Those of its parties who may take it now.
    pub(crate) by: Vec<User>,
}

/// Where a request, an offer or a booking stands, for admins.
pub(crate) fn read(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    kind: Kind,
    row: &str,
) -> Result<Lifecycle, Error> {
    let right = Right::look(kind, "see the states of", Need::Admin);
    authorize_admin_because(uow, scope, right, Some(row.to_owned()), None)?;
    match kind {
        Kind::Request => {
            let request = requests::of_id(uow, scope, id(row)?)?;
            let owner = request.user_id;
            lifecycle(uow, scope, &request, &[owner], &Room::User(owner))
        }
        Kind::Offer => {
            let offer = offers::of_id(uow, id(row)?)?;
            let parties = [offer.user_id, offer.consumer_user_id];
            lifecycle(uow, scope, &offer, &parties, &Room::Session(offer.session_id))
        }
        Kind::Booking => {
            let booking = bookings::of_id(uow, id(row)?)?;
            let parties = [booking.consumer_user_id, booking.provider_user_id];
            lifecycle(uow, scope, &booking, &parties, &booking.room())
        }
        _ => Err(Error::invalid("kind", "must be request, offer or booking")),
    }
}

fn lifecycle<M: Machine + Rights>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    row: &M,
    parties: &[UserId],
    room: &Room,
) -> Result<Lifecycle, Error> {
    let state = row.state().into();
    let (history, is_cut) = history(uow, M::KIND, &row.row_id(), room)?;
    let mut people = Vec::new();
    for party in parties {
        people.extend(users::find(uow, *party)?);
    }
    let from_here = M::TABLE.iter().zip(transitions::<M>()).filter(|(rule, _)| rule.from == row.state());
    let next = from_here.map(|(rule, transition)| NextStep {
        transition,
        is_obstructed: !row.is_unobstructed(rule.action),
        by: people.iter().filter(|user| may(scope, user, row, transition.action)).cloned().collect(),
    });
    Ok(Lifecycle { state, next: next.collect(), history, is_cut })
}

/// Whether the user may take this step now, by the decision that their call would meet.
fn may<M: Machine + Rights>(scope: &Scope, user: &User, row: &M, action: &str) -> bool {
    let explained = explain_step(&supposed(user, scope.call()), row, action);
    user.is_active
        && explained.is_some_and(|explanation| {
            let is_permitted = explanation.state.is_none_or(|state| state.permits);
            is_permitted && matches!(explanation.decision.verdict, Verdict::ByStanding | Verdict::AsAdmin)
        })
}

/// The fields of events that tell which row changed, and to what.
#[derive(Deserialize)]
struct Told {
    request_id: Option<String>,
    offer_id: Option<String>,
    booking_id: Option<String>,
    state: Option<String>,
}

/// The events about a row among the newest of a room, and whether there are older ones.
fn history(
    uow: &mut UnitOfWork<'_>,
    kind: Kind,
    row: &str,
    room: &Room,
) -> Result<(Vec<Change>, bool), Error> {
    let (tail, _) = event_log::span(uow.conn(), room)?;
    let (events, has_more) = event_log::before(uow.conn(), room, None, SEARCHED)?;
    let about = events.into_iter().filter_map(|event| {
        let subject = event.kind.split('.').next();
        let told: Told = serde_json::from_str(event.data.get()).ok()?;
        let id = match kind {
            Kind::Request => told.request_id,
            Kind::Offer => told.offer_id,
            _ => told.booking_id,
        };
        let is_about = subject == Some(kind.as_str()) && id.as_deref() == Some(row);
        is_about.then(|| Change {
            kind: event.kind.to_string(),
            state: told.state,
            by: event.by,
            at: event.at,
        })
    });
    Ok((about.collect(), has_more || tail.as_i64() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_lead_from_and_to_states_that_there_are() {
        let all = [
            of::<Request>(requests::State::ALL.iter().map(|state| state.as_str())),
            of::<Offer>(offers::State::ALL.iter().map(|state| state.as_str())),
            of::<Booking>(bookings::State::ALL.iter().map(|state| state.as_str())),
            of::<Simulation>(simulations::State::ALL.iter().map(|state| state.as_str())),
        ];
        for StateMachine { kind, states, transitions } in all {
            assert!(!transitions.is_empty(), "{kind}");
            for Transition { from, to, need, admins_pass, .. } in transitions {
                assert!(states.contains(&from) && states.contains(&to), "{kind}: {from} to {to}");
                assert!(need != Need::System || !admins_pass, "{kind}: nobody takes the system's steps");
            }
        }
    }
}
