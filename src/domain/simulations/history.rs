//! The marketplace's own history as the market of a simulation.
//!
//! Prices of offers are known to their provider and the request's consumer only, and the place of a request roughly
//! until it is booked. So nothing is told of a few: what is fitted comes from at least [`ENOUGH`] decided requests of
//! several consumers with offers of several providers, of whom none has more than half. Places are compared by their
//! rough points and in few areas, prices far from the median count as less far, and all numbers are rounded to two
//! significant digits, relative to the history's own mean and not to a price that the caller chooses.

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

use super::market::{Assumptions, Basis, MOST_REQUESTS, MOST_RIVALS, roughly};
use super::{Scenario, Simulation};

/// How far back.
const WINDOW: Duration = Duration::from_secs(90 * 86_400);

/// A market that is younger than this says too little about a day.
const YOUNGEST: Duration = Duration::from_secs(7 * 86_400);

/// Decided requests with offers that are enough to fit the model; what is told of their number.
const ENOUGH: [usize; 6] = [30, 50, 100, 250, 500, 1_000];

/// People on either side below whom their prices are not told, not even together.
const CROWD: usize = 5;

/// Most rows that are read: the newest.
const MOST_ROWS: i64 = 10_000;

/// A decided request, with one of its offers if it had any.
#[derive(Queryable)]
struct Row {
    request: RequestId,
    consumer: UserId,
    latitude: Option<f64>,
    longitude: Option<f64>,
    request_status: RequestState,
    offer: Option<(UserId, i64, OfferState)>,
}

/// What the history says of the simulation's market; the defaults where it says too little.
pub(super) fn assumptions(uow: &mut UnitOfWork<'_>, simulation: &Simulation) -> Result<Assumptions, DbError> {
    let Scenario { base_price, reference, .. } = &simulation.scenario;
    let since = uow.now().minus(WINDOW);
    let decided = Decided::of(decided(uow, &simulation.scenario, since)?);
    let seen = decided.and_then(|decided| decided.seen_by(simulation.user_id));
    let per_day = per_day(uow, &simulation.scenario, since)?;
    let given = reference.map(|reference| reference.amount());
    Ok(match (seen, per_day) {
        (Some(seen), Some(per_day)) => seen.assumptions(per_day, given),
        _ => Assumptions::defaults(given.unwrap_or(base_price.amount())),
    })
}

/// Requests that were booked, or have expired.
struct Decided(Vec<Decision>);

/// A decided request.
struct Decision {
    consumer: UserId,
    /// Who offered at which price.
    offers: Vec<(UserId, f64)>,
    /// Index of the offer that was taken.
    taken: Option<usize>,
}

impl Decided {
    /// `None` if they are too few.
    fn of(rows: Vec<Row>) -> Option<Self> {
        let mut decisions: BTreeMap<RequestId, (RequestState, Decision)> = BTreeMap::new();
        for row in rows {
            let new = Decision { consumer: row.consumer, offers: Vec::new(), taken: None };
            let (_, decision) = decisions.entry(row.request).or_insert((row.request_status, new));
            let Some((provider, price, status)) = row.offer else { continue };
            // A booking that was cancelled voids its offer; the consumer had taken it all the same.
            if matches!(status, OfferState::Accepted | OfferState::Voided) {
                decision.taken = Some(decision.offers.len());
            }
            decision.offers.push((provider, price as f64));
        }
        // Where an offer was taken that is not here, in another currency, nothing was decided about these.
        let is_decided = |(status, decision): &(RequestState, Decision)| {
            decision.taken.is_some() || *status == RequestState::Expired
        };
        let decisions: Vec<Decision> =
            decisions.into_values().filter(is_decided).map(|(_, decision)| decision).collect();
        (decisions.len() >= ENOUGH[0]).then_some(Self(decisions))
    }

    /// `None` if they come from too few people, the owner of the simulation not counted among the providers.
    fn seen_by(self, owner: UserId) -> Option<Seen> {
        let with_offers: Vec<&Decision> =
            self.0.iter().filter(|decision| !decision.offers.is_empty()).collect();
        let consumers = counts(with_offers.iter().map(|decision| decision.consumer));
        let rivals = with_offers.iter().map(|decision| {
            let others = decision.offers.iter().map(|(provider, _)| *provider).filter(|user| *user != owner);
            others.collect::<BTreeSet<UserId>>()
        });
        let providers = counts(rivals.flatten());
        let is_crowd = |people: &BTreeMap<UserId, usize>| {
            people.len() >= CROWD && people.values().all(|count| count * 2 <= with_offers.len())
        };
        let told = ENOUGH.iter().rev().find(|step| **step <= with_offers.len())?;
        if !is_crowd(&consumers) || !is_crowd(&providers) {
            return None;
        }
        let decisions_seen = u32::try_from(*told).unwrap_or(u32::MAX);
        let decisions = self.0.len() as f64;
        let mut prices: Vec<f64> =
            self.0.iter().flat_map(|decision| decision.offers.iter().map(|(_, price)| *price)).collect();
        prices.sort_unstable_by(f64::total_cmp);
        let median = prices.get(prices.len() / 2).copied().unwrap_or(0.0);
        // One price far from the others must not be what the numbers tell.
        let moderate = |price: f64| price.clamp(median / 2.0, median * 2.0);
        let others =
            || self.0.iter().flat_map(|decision| decision.offers.iter().filter(|(user, _)| *user != owner));
        let rivals = others().count() as f64;
        let mean = others().map(|(_, price)| moderate(*price)).sum::<f64>() / rivals;
        let variance = others().map(|(_, price)| (moderate(*price) - mean).powi(2)).sum::<f64>() / rivals;
        let choices = self.0.iter().map(|decision| Choice {
            prices: decision.offers.iter().map(|(_, price)| moderate(*price) / mean.max(1.0)).collect(),
            taken: decision.taken,
        });
        let choices: Vec<Choice> = choices.collect();
        let rivals_per_request = rivals / decisions;
        Some(Seen {
            choices,
            decisions_seen,
            rivals_per_request,
            mean: mean.max(1.0),
            deviation: variance.sqrt(),
        })
    }
}

fn counts(people: impl Iterator<Item = UserId>) -> BTreeMap<UserId, usize> {
    let mut counts = BTreeMap::new();
    people.for_each(|user| *counts.entry(user).or_default() += 1);
    counts
}

/// What decided requests tell.
struct Seen {
    /// With prices relative to the mean.
    choices: Vec<Choice>,
    decisions_seen: u32,
    rivals_per_request: f64,
    /// Mean and standard deviation of the rivals' prices.
    mean: f64,
    deviation: f64,
}

impl Seen {
    fn assumptions(self, requests_per_step: f64, reference: Option<i64>) -> Assumptions {
        let fitted = fit(&self.choices);
        let mean = roughly(self.mean).max(1.0);
        let (appeal, sensitivity) = (roughly(fitted.appeal), roughly(fitted.sensitivity));
        let reference_price = reference.unwrap_or(mean as i64).max(1);
        // The worth of an offer stays what it was, whichever price it is compared with.
        let scale = reference_price as f64 / mean;
        let market = Market {
            requests_per_step: roughly(requests_per_step.min(MOST_REQUESTS)),
            rivals_per_request: roughly(self.rivals_per_request.min(MOST_RIVALS)),
            // A uniform distribution of this half-width has this standard deviation.
            rival_spread: roughly((3.0_f64.sqrt() * self.deviation / self.mean).min(0.9)),
            appeal: appeal + sensitivity * (1.0 - scale),
            sensitivity: sensitivity * scale,
        };
        let decisions_seen = self.decisions_seen;
        Assumptions { basis: Basis::History, decisions_seen, reference_price, market }
    }
}

/// The newest requests that were decided, with their offers in the currency of the simulation.
fn decided(uow: &mut UnitOfWork<'_>, scenario: &Scenario, since: Timestamp) -> Result<Vec<Row>, DbError> {
    let states = [RequestState::Booked, RequestState::Fulfilled, RequestState::Expired];
    let currency = scenario.base_price.currency();
    let of_request = offers::request_id
        .eq(requests::id)
        .and(offers::currency.eq(currency))
        .and(offers::status.ne_all([OfferState::Withdrawn, OfferState::Removed]));
    let rows = requests::table
        .left_join(offers::table.on(of_request))
        .filter(requests::status.eq_any(states))
        .filter(requests::category.eq(&scenario.category))
        .filter(requests::currency.eq(currency))
        .filter(requests::created_at.ge(since))
        .order((requests::id.desc(), offers::id.desc()))
        .limit(MOST_ROWS)
        .select((
            requests::id,
            requests::user_id,
            requests::latitude,
            requests::longitude,
            requests::status,
            (offers::user_id, offers::price, offers::status).nullable(),
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

/// Requests of a day; `None` if the market is too young.
fn per_day(uow: &mut UnitOfWork<'_>, scenario: &Scenario, since: Timestamp) -> Result<Option<f64>, DbError> {
    macro_rules! published {
        () => {
            requests::table
                .filter(requests::status.ne_all([RequestState::Draft, RequestState::Removed]))
                .filter(requests::category.eq(&scenario.category))
                .filter(requests::currency.eq(scenario.base_price.currency()))
                .filter(requests::created_at.ge(since))
        };
    }
    let columns = (diesel::dsl::count_star(), diesel::dsl::min(requests::created_at));
    let (count, oldest): (i64, Option<Timestamp>) = published!().select(columns).get_result(uow.conn())?;
    let Some(oldest) = oldest.filter(|oldest| uow.now().since(*oldest) >= YOUNGEST) else { return Ok(None) };
    let rate = |count: f64, oldest: Timestamp| count / (uow.now().since(oldest).as_secs_f64() / 86_400.0);
    let all = rate(count as f64, oldest);
    let Some(area) = scenario.area else { return Ok(Some(all)) };
    let newest: Vec<(Option<f64>, Option<f64>)> = published!()
        .order(requests::id.desc())
        .limit(MOST_ROWS)
        .select((requests::latitude, requests::longitude))
        .load(uow.conn())?;
    let here = newest.iter().filter(|(latitude, longitude)| area.contains(*latitude, *longitude)).count();
    Ok(Some(all * here as f64 / newest.len().max(1) as f64))
}
