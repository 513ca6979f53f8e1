//! The marketplace's own history as the market of a simulation.
//!
//! Prices of offers are known to their provider and the request's consumer only. So nothing is told of a few:
//! what is fitted comes from at least [`ENOUGH`] decided requests of several consumers with offers of several
//! providers, and is rounded to two significant digits, in the result as well as in what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{offers, requests};
use crate::db::{DbError, UnitOfWork};
use crate::domain::offers::State as OfferState;
use crate::domain::requests::State as RequestState;
use crate::ids::{RequestId, UserId};
use crate::simulation::{Choice, Market, fit};

use super::market::{Assumptions, Basis, MOST_REQUESTS, roughly};
use super::{Scenario, Simulation};

/// How far back.
const WINDOW: Duration = Duration::from_secs(90 * 86_400);

/// A marketplace that is younger than this says too little about a day.
const YOUNGEST: Duration = Duration::from_secs(7 * 86_400);

/// Decided requests that are enough to fit the model.
const ENOUGH: usize = 30;

/// People on either side below whom their prices are not told, not even together.
const CROWD: usize = 5;

/// Most rows that are read: the newest.
const MOST_ROWS: i64 = 10_000;

/// An offer on a decided request.
#[derive(Queryable)]
struct Row {
    request: RequestId,
    consumer: UserId,
    latitude: Option<f64>,
    longitude: Option<f64>,
    request_status: RequestState,
    provider: UserId,
    price: i64,
    status: OfferState,
}

/// What the history says of the simulation's market; the defaults where it says too little.
pub(super) fn assumptions(uow: &mut UnitOfWork<'_>, simulation: &Simulation) -> Result<Assumptions, DbError> {
    let Scenario { base_price, reference, .. } = &simulation.scenario;
    let since = uow.now().minus(WINDOW);
    let rows = decided(uow, &simulation.scenario, since)?;
    let fallback = reference.map_or(base_price.amount(), |reference| reference.amount());
    let Some(seen) = Seen::of(rows, simulation.user_id) else { return Ok(Assumptions::defaults(fallback)) };
    let Some(requests_per_step) = per_day(uow, &simulation.scenario, since)? else {
        return Ok(Assumptions::defaults(fallback));
    };
    let mean = roughly(seen.mean) as i64;
    let reference_price = reference.map_or(mean, |reference| reference.amount()).max(1);
    let choices: Vec<Choice> =
        seen.choices.into_iter().map(|choice| choice.relative_to(reference_price)).collect();
    let fitted = fit(&choices);
    let market = Market {
        requests_per_step: roughly(requests_per_step.min(MOST_REQUESTS)),
        rivals_per_request: roughly(seen.rivals_per_request),
        // A uniform distribution of this half-width has this standard deviation.
        rival_spread: roughly((3.0_f64.sqrt() * seen.deviation / seen.mean.max(1.0)).min(0.9)),
        appeal: roughly(fitted.appeal),
        sensitivity: roughly(fitted.sensitivity),
    };
    let decisions_seen = u32::try_from(choices.len()).unwrap_or(u32::MAX);
    Ok(Assumptions { basis: Basis::History, decisions_seen, reference_price, market })
}

/// The prices on a request, in minor units, and which was taken.
struct Decision(Choice);

impl Decision {
    fn relative_to(self, reference: i64) -> Choice {
        let prices = self.0.prices.iter().map(|price| price / reference as f64).collect();
        Choice { prices, ..self.0 }
    }
}

/// Decided requests, if they are enough.
struct Seen {
    choices: Vec<Decision>,
    rivals_per_request: f64,
    /// Mean and standard deviation of the rivals' prices.
    mean: f64,
    deviation: f64,
}

impl Seen {
    fn of(rows: Vec<Row>, owner: UserId) -> Option<Self> {
        let (mut consumers, mut providers) = (BTreeSet::new(), BTreeSet::new());
        let mut prices = Vec::new();
        let mut decisions: BTreeMap<RequestId, (RequestState, Choice)> = BTreeMap::new();
        for row in rows {
            let (_, choice) = decisions.entry(row.request).or_insert((row.request_status, Choice::default()));
            // A booking that was cancelled voids its offer; the consumer had taken it all the same.
            if matches!(row.status, OfferState::Accepted | OfferState::Voided) {
                choice.taken = Some(choice.prices.len());
            }
            choice.prices.push(row.price as f64);
            consumers.insert(row.consumer);
            if row.provider != owner {
                providers.insert(row.provider);
                prices.push(row.price as f64);
            }
        }
        // Where an offer was taken that is not here, in another currency, nothing was decided about these.
        decisions.retain(|_, (status, choice)| choice.taken.is_some() || *status == RequestState::Expired);
        if decisions.len() < ENOUGH || consumers.len() < CROWD || providers.len() < CROWD {
            return None;
        }
        let count = prices.len() as f64;
        let mean = prices.iter().sum::<f64>() / count;
        let deviation = (prices.iter().map(|price| (price - mean).powi(2)).sum::<f64>() / count).sqrt();
        let rivals_per_request = count / decisions.len() as f64;
        let choices = decisions.into_values().map(|(_, choice)| Decision(choice)).collect();
        Some(Self { choices, rivals_per_request, mean, deviation })
    }
}

/// The newest offers on requests that were decided: booked, or expired.
fn decided(uow: &mut UnitOfWork<'_>, scenario: &Scenario, since: Timestamp) -> Result<Vec<Row>, DbError> {
    let states = [RequestState::Booked, RequestState::Fulfilled, RequestState::Expired];
    let rows = requests::table
        .inner_join(offers::table.on(offers::request_id.eq(requests::id)))
        .filter(requests::status.eq_any(states))
        .filter(requests::category.eq(&scenario.category))
        .filter(requests::created_at.ge(since))
        .filter(offers::currency.eq(scenario.base_price.currency()))
        .filter(offers::status.ne_all([OfferState::Withdrawn, OfferState::Removed]))
        .order((requests::id.desc(), offers::id.desc()))
        .limit(MOST_ROWS)
        .select((
            requests::id,
            requests::user_id,
            requests::latitude,
            requests::longitude,
            requests::status,
            offers::user_id,
            offers::price,
            offers::status,
        ))
        .load::<Row>(uow.conn())?;
    let is_whole = i64::try_from(rows.len()).is_ok_and(|read| read < MOST_ROWS);
    let oldest = rows.last().map(|row| row.request);
    let counts = |row: &Row| {
        // Of the oldest, some offers may be beyond the limit.
        (is_whole || Some(row.request) != oldest)
            && scenario.area.is_none_or(|area| area.contains(row.latitude, row.longitude))
    };
    Ok(rows.into_iter().filter(counts).collect())
}

/// Requests of a day; `None` if the oldest is too recent.
fn per_day(uow: &mut UnitOfWork<'_>, scenario: &Scenario, since: Timestamp) -> Result<Option<f64>, DbError> {
    let published: Vec<(Timestamp, Option<f64>, Option<f64>)> = requests::table
        .filter(requests::status.ne_all([RequestState::Draft, RequestState::Removed]))
        .filter(requests::category.eq(&scenario.category))
        .filter(requests::created_at.ge(since))
        .order(requests::id.desc())
        .limit(MOST_ROWS)
        .select((requests::created_at, requests::latitude, requests::longitude))
        .load(uow.conn())?;
    let here = |(_, latitude, longitude): &(Timestamp, Option<f64>, Option<f64>)| {
        scenario.area.is_none_or(|area| area.contains(*latitude, *longitude))
    };
    let times: Vec<Timestamp> = published.into_iter().filter(here).map(|(at, ..)| at).collect();
    let age = times.iter().min().map_or(Duration::ZERO, |oldest| uow.now().since(*oldest));
    Ok((age >= YOUNGEST).then(|| times.len() as f64 / (age.as_secs_f64() / 86_400.0)))
}
