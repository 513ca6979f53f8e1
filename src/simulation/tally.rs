//! Sums over runs, and the statistics made of them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::parameters::{PRICES, Parameters};

/// The 97.5 % point of the standard normal distribution: 95 % lie within it on both sides.
const Z: f64 = 1.959_963_984_540_054;

/// Most bins of a histogram.
const BINS: u32 = 20;

/// Index of the base price in [`PRICES`].
const BASE: usize = 3;

/// What one run brings, at each of the [`PRICES`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Requests, the same at every price.
    pub(super) requests: u64,
    /// Offers that were accepted.
    pub(super) accepted: [u64; PRICES.len()],
    /// Those of them that found a free day.
    pub(super) booked: [u64; PRICES.len()],
}

/// Sums over runs: integers only, so that their order does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    runs: u32,
    requests: u64,
    accepted: [u64; PRICES.len()],
    booked: [u64; PRICES.len()],
    /// How many runs had how many bookings.
    bookings: BTreeMap<u32, u32>,
}

impl Tally {
    /// Adds a run.
    pub(super) fn add(&mut self, run: &Counts) {
        let bookings = run.booked.get(BASE).copied().unwrap_or(0);
        let bookings = BTreeMap::from([(u32::try_from(bookings).unwrap_or(u32::MAX), 1)]);
        let Counts { requests, accepted, booked } = *run;
        self.merge(&Self { runs: 1, requests, accepted, booked, bookings });
    }

    /// Adds other runs.
    pub fn merge(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.requests += other.requests;
        for (sum, count) in self.accepted.iter_mut().zip(other.accepted) {
            *sum += count;
        }
        for (sum, count) in self.booked.iter_mut().zip(other.booked) {
            *sum += count;
        }
        for (bookings, runs) in &other.bookings {
            *self.bookings.entry(*bookings).or_default() += runs;
        }
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// The statistics of these runs.
    pub fn outcome(&self, parameters: &Parameters) -> Outcome {
        let moments = self.moments();
        let counts = self.accepted.into_iter().zip(self.booked);
        Outcome {
            runs: self.runs,
            bookings: self.quantity(&moments, 1),
            revenue: self.quantity(&moments, parameters.base_price),
            acceptance: PRICES
                .into_iter()
                .zip(counts)
                .map(|(percent, (accepted, booked))| self.at_price(parameters, percent, accepted, booked))
                .collect(),
        }
    }

    /// The means of these runs, before all are computed.
    pub fn estimates(&self, parameters: &Parameters) -> Estimates {
        let moments = self.moments();
        Estimates { bookings: moments.mean(1), revenue: moments.mean(parameters.base_price) }
    }

    fn at_price(&self, parameters: &Parameters, percent: i64, accepted: u64, booked: u64) -> PriceAcceptance {
        let (low, high) = wilson(accepted, self.requests);
        let price = parameters.price_at(percent);
        let per_run = |sum: f64| if self.runs == 0 { 0.0 } else { sum / f64::from(self.runs) };
        PriceAcceptance {
            percent,
            price,
            requests: self.requests,
            accepted,
            rate: (self.requests > 0).then(|| accepted as f64 / self.requests as f64),
            low,
            high,
            mean_bookings: per_run(booked as f64),
            mean_revenue: per_run(booked as f64 * price as f64),
        }
    }

    /// Mean, and central moments of the order 2 and 4 of the bookings of a run.
    fn moments(&self) -> Moments {
        let n = f64::from(self.runs.max(1));
        let sum: u64 =
            self.bookings.iter().map(|(bookings, runs)| u64::from(*bookings) * u64::from(*runs)).sum();
        let mean = sum as f64 / n;
        // In the order of the numbers of bookings, which does not depend on the order of the runs.
        let (mut second, mut fourth) = (0.0, 0.0);
        for (bookings, runs) in &self.bookings {
            let square = (f64::from(*bookings) - mean).powi(2);
            second += f64::from(*runs) * square;
            fourth += f64::from(*runs) * square * square;
        }
        let variance = second / (n - 1.0).max(1.0);
        let of_variance = (fourth / n - variance * variance * (n - 3.0) / (n - 1.0).max(1.0)) / n;
        Moments { n, mean, variance, error_of_variance: of_variance.max(0.0).sqrt() }
    }

    /// Bookings times a price.
    fn quantity(&self, moments: &Moments, price: i64) -> Quantity {
        let scale = price as f64;
        let Moments { variance, error_of_variance, .. } = *moments;
        Quantity {
            mean: moments.mean(price),
            variance: Estimate::of(variance * scale * scale, error_of_variance * scale * scale),
            histogram: self.histogram(price),
        }
    }

    /// At most [`BINS`] bins of equal width, from the lowest to the highest number of bookings.
    fn histogram(&self, price: i64) -> Vec<Bin> {
        let (Some((low, _)), Some((high, _))) =
            (self.bookings.first_key_value(), self.bookings.last_key_value())
        else {
            return Vec::new();
        };
        let width = (high - low + 1).div_ceil(BINS).max(1);
        let bins = (high - low + 1).div_ceil(width);
        (0..bins)
            .map(|bin| {
                let (from, to) = (low + bin * width, low + bin * width + width - 1);
                let runs = self.bookings.range(from..=to).map(|(_, runs)| runs).sum();
                Bin {
                    from: i64::from(from).saturating_mul(price),
                    to: i64::from(to).saturating_mul(price),
                    runs,
                }
            })
            .collect()
    }
}

struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
    error_of_variance: f64,
}

impl Moments {
    fn mean(&self, price: i64) -> Estimate {
        let scale = price as f64;
        Estimate::of(self.mean * scale, (self.variance / self.n).sqrt() * scale)
    }
}

/// The 95 % Wilson score interval of a proportion; everything if nothing was counted.
pub(super) fn wilson(successes: u64, trials: u64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let center = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((center - half).max(0.0), (center + half).min(1.0))
}

/// What a simulation brings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = SimulationResult)]
pub struct Outcome {
    /// Number of runs.
    pub runs: u32,
    /// Bookings of a run.
    pub bookings: Quantity,
    /// Revenue of a run, in minor units of the base price's currency.
    pub revenue: Quantity,
    /// Acceptance by price.
    pub acceptance: Vec<PriceAcceptance>,
}

/// What is known before all runs are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimates {
    /// Mean bookings of a run.
    pub bookings: Estimate,
    /// Mean revenue of a run, in minor units.
    pub revenue: Estimate,
}

/// The distribution over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = SimulatedQuantity)]
pub struct Quantity {
    /// Mean of a run.
    pub mean: Estimate,
    /// Variance between runs.
    pub variance: Estimate,
    /// How many runs had which value: at most 20 bins of equal width, from the lowest to the highest value.
    pub histogram: Vec<Bin>,
}

/// An estimate and its 95 % confidence interval (normal approximation).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = SimulationEstimate)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    fn of(value: f64, standard_error: f64) -> Self {
        Self { value, standard_error, low: value - Z * standard_error, high: value + Z * standard_error }
    }
}

/// One bin of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HistogramBin)]
pub struct Bin {
    /// Lowest value.
    pub from: i64,
    /// Highest value.
    pub to: i64,
    /// Number of runs.
    pub runs: u32,
}

/// How often an offer at a price is accepted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PriceAcceptance {
    /// The price as a percentage of the base price.
    pub percent: i64,
    /// The price in minor units, rounded down.
    pub price: i64,
    /// Requests in all runs.
    pub requests: u64,
    /// Offers that were accepted.
    pub accepted: u64,
    /// The proportion that was accepted; absent if there were no requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Lower end of the proportion's 95 % confidence interval (Wilson score).
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Mean bookings of a run at this price: accepted offers that found a free slot.
    pub mean_bookings: f64,
    /// Mean revenue of a run at this price, in minor units.
    pub mean_revenue: f64,
}
