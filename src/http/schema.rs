//! OpenAPI schemas of values that have no type of their own.

use std::ops::RangeFrom;

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Type};

use crate::domain::bookings::{self, Booking};
use crate::domain::offers::{self, Offer};
use crate::domain::policy::{Machine, Need, Rights, Rule};
use crate::domain::requests::{self, Request};
use crate::domain::simulations::{self, Simulation};

/// A string that matches this regular expression.
pub(super) fn text(pattern: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build().into()
}

/// An integer with this minimum.
pub(super) fn number(least: RangeFrom<u32>) -> Schema {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least.start)).build().into()
}

/// A string that is one of these words.
pub(in crate::http) fn enum_of(words: impl IntoIterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build().into()
}

/// `allowed_actions` of a type with states: every action in its transition table.
pub(in crate::http) fn steps<M: Machine>() -> Schema {
    some_of(steps_of::<M>().collect())
}

fn steps_of<M: Machine>() -> impl Iterator<Item = &'static str> {
    let by_people = M::TABLE.iter().filter(|rule: &&Rule<_, _>| rule.who != Need::System);
    by_people.map(|rule| rule.action.into())
}

/// `allowed_actions` of a problem document, for any type.
pub(in crate::http) fn all_steps() -> Schema {
    let offers_and_requests = steps_of::<Offer>().chain(steps_of::<Request>());
    some_of(offers_and_requests.chain(steps_of::<Booking>()).chain(steps_of::<Simulation>()).collect())
}

/// `current_state` of a problem document, for any type.
pub(in crate::http) fn states() -> Schema {
    let offers = offers::State::ALL.iter().map(|state| state.as_str());
    let requests = requests::State::ALL.iter().map(|state| state.as_str());
    let bookings = bookings::State::ALL.iter().map(|state| state.as_str());
    let simulations = simulations::State::ALL.iter().map(|state| state.as_str());
    enum_of(sorted(offers.chain(requests).chain(bookings).chain(simulations).collect()))
}

/// `allowed_actions` of a type without states.
pub(in crate::http) fn changes<T: Rights>() -> Schema {
    some_of(T::RIGHTS.iter().filter(|right| right.writes).map(|right| right.action).collect())
}

fn sorted(mut words: Vec<&'static str>) -> Vec<&'static str> {
    words.sort_unstable();
    words.dedup();
    words
}

fn some_of(actions: Vec<&'static str>) -> Schema {
    ArrayBuilder::new().items(RefOr::T(enum_of(sorted(actions)))).build().into()
}
