//! What a simulation assumes of its market, and where that comes from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::text_enum;
use crate::simulation::{Choice, Market, fit};

text_enum! {
    /// Where the assumptions come from.
    pub(crate) enum Basis as "SimulationBasis" {
        /// The marketplace's own requests and offers.
        History = "history",
        /// The sample that came with the simulation.
        Sample = "sample",
        /// Neither: too little is known.
        Defaults = "defaults",
    }
}

/// What a simulation assumes of its market. Stored with it, so that it has the same result whenever it is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulationMarket)]
pub(crate) struct Assumptions {
    /// Where they come from.
    pub(crate) basis: Basis,
    /// Requests that were decided (of history: at least so many, in steps), or offers of the sample.
    pub(crate) decisions_seen: u32,
    /// What others charge on average, in minor units of the base price's currency.
    #[schema(minimum = 1)]
    pub(crate) reference_price: i64,
    /// The parameters of the market.
    #[serde(flatten)]
    pub(crate) market: Market,
}

/// More requests of a day are no one provider's market, and would take long to compute.
pub(super) const MOST_REQUESTS: f64 = 100.0;

/// More rivals on a request make no difference, and would take long to compute.
pub(super) const MOST_RIVALS: f64 = 20.0;

impl Assumptions {
    /// The documented defaults.
    pub(super) fn defaults(reference_price: i64) -> Self {
        let market = Market::default();
        Self { basis: Basis::Defaults, decisions_seen: 0, reference_price: reference_price.max(1), market }
    }
}

/// Offers whose outcome is known.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    requests_per_day: Option<f64>,
    observations: Vec<Observation>,
}

/// An offer and its outcome.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// Minor units.
    pub(super) price: i64,
    /// Whether it was accepted.
    pub(super) accepted: bool,
}

/// The sample is too small, too large, or its rate is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("needs 10 to 1000 observations, and requests_per_day above 0 and up to 100")]
pub(crate) struct InvalidSample;

impl Sample {
    /// 10 to 1,000 observations, and a rate above 0 and up to [`MOST_REQUESTS`].
    pub(super) fn new(
        requests_per_day: Option<f64>,
        observations: Vec<Observation>,
    ) -> Result<Self, InvalidSample> {
        let fits = (10..=1_000).contains(&observations.len())
            && requests_per_day.is_none_or(|rate| rate > 0.0 && rate <= MOST_REQUESTS);
        fits.then_some(Self { requests_per_day, observations }).ok_or(InvalidSample)
    }

    /// What it says of the market. How often rivals win is part of what was observed, so there are none besides.
    pub(super) fn assumptions(&self, reference: Option<i64>) -> Assumptions {
        let count = self.observations.len();
        let sum: i128 = self.observations.iter().map(|observation| i128::from(observation.price)).sum();
        let mean = i64::try_from(sum / i128::try_from(count.max(1)).unwrap_or(1)).unwrap_or(i64::MAX);
        let reference_price = reference.unwrap_or(mean).max(1);
        let choices: Vec<Choice> = self
            .observations
            .iter()
            .map(|observation| Choice {
                prices: vec![observation.price as f64 / reference_price as f64],
                taken: observation.accepted.then_some(0),
            })
            .collect();
        let fitted = fit(&choices);
        let default = Market::default();
        let market = Market {
            requests_per_step: self.requests_per_day.unwrap_or(default.requests_per_step),
            rivals_per_request: 0.0,
            rival_spread: 0.0,
            appeal: fitted.appeal,
            sensitivity: fitted.sensitivity,
        };
        let decisions_seen = u32::try_from(count).unwrap_or(u32::MAX);
        Assumptions { basis: Basis::Sample, decisions_seen, reference_price, market }
    }
}

/// Rounds to two significant digits.
pub(super) fn roughly(value: f64) -> f64 {
    // By way of the decimal text, so that no digit beyond remains.
    format!("{value:.1e}").parse().ok().filter(|value: &f64| value.is_finite()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_followed() {
        let observation = |i: i64| Observation { price: 4_000 + 20 * i, accepted: i < 50 };
        let sample = Sample::new(Some(3.0), (0..100).map(observation).collect()).unwrap();
        let assumptions = sample.assumptions(None);
        assert_eq!((assumptions.basis, assumptions.decisions_seen), (Basis::Sample, 100));
        assert_eq!((assumptions.reference_price, assumptions.market.requests_per_step), (4_990, 3.0));
        let Market { appeal, sensitivity, rivals_per_request, .. } = assumptions.market;
        assert!(appeal.abs() < 0.5 && sensitivity > 10.0 && rivals_per_request == 0.0, "{assumptions:?}");
        assert_eq!(sample.assumptions(Some(5_000)).reference_price, 5_000);
    }

    #[test]
    fn a_sample_has_bounds() {
        let some = |count| vec![Observation { price: 1, accepted: true }; count];
        for (rate, count) in
            [(None, 9), (None, 1_001), (Some(0.0), 10), (Some(100.1), 10), (Some(f64::NAN), 10)]
        {
            assert!(Sample::new(rate, some(count)).is_err(), "{rate:?} {count}");
        }
        assert!(Sample::new(Some(100.0), some(1_000)).is_ok());
    }

    #[test]
    fn numbers_are_told_roughly() {
        for (value, rounded) in
            [(0.0, 0.0), (4_987.0, 5_000.0), (0.12345, 0.12), (-3.26, -3.3), (99.6, 100.0), (1.7, 1.7)]
        {
            assert!((roughly(value) - rounded).abs() < f64::EPSILON, "{value}");
        }
    }
}
