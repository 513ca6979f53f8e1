//! Input of a simulation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The prices that are tried, as percentages of the base price. The base price itself is one of them.
pub(super) const PRICES: [i64; 7] = [50, 75, 90, 100, 110, 125, 150];

/// Prices beyond this multiple of the reference price make no more difference to consumers.
pub(super) const HIGHEST: f64 = 10.0;

/// Input of a simulation: it determines the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// The provider's price, in minor units.
    pub base_price: i64,
    /// What others charge on average, in minor units.
    pub reference_price: i64,
    /// Days of a run.
    pub steps: u32,
    /// Number of independent runs.
    pub runs: u32,
    /// Seed of the random numbers.
    pub seed: u64,
    /// How many bookings fit into a day; any number if `None`.
    pub capacity: Option<Capacity>,
    /// What is assumed of the market.
    pub market: Market,
}

/// How many bookings a provider can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Bookings of a day.
    pub per_step: u32,
    /// What becomes of the others.
    pub when_full: WhenFull,
}

/// What becomes of an offer that was accepted on a day that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is declined: no booking.
    Decline,
    /// It is booked on the first later day that is not full. What has no day before the end is no booking.
    Defer,
}

/// What is assumed of the market.
///
/// A request is answered by the provider and by rivals. The worth of an offer at price `p` is
/// `exp(appeal + sensitivity × (1 − p / reference))`, where `p / reference` counts as 10 at most; that of hiring
/// nobody is 1. The consumer takes an offer
/// with its share of the total worth (multinomial logit; McFadden 1974). Without rivals this is the logistic
/// function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulationMarketParameters)]
pub struct Market {
    /// Mean number of requests in a step; Poisson distributed.
    pub requests_per_step: f64,
    /// Mean number of rival offers on a request; Poisson distributed.
    pub rivals_per_request: f64,
    /// How far rivals' prices are from the reference price: uniformly up to this fraction of it.
    pub rival_spread: f64,
    /// How much an offer at the reference price is preferred to hiring nobody; at 0, without rivals, one half of
    /// such offers are accepted.
    pub appeal: f64,
    /// How strongly consumers react to prices.
    pub sensitivity: f64,
}

impl Default for Market {
    /// Two requests a day, two rivals on each with prices within 30 %, no preference at the reference price, and
    /// a sensitivity of 5: without rivals, 10 % above the reference price lowers the acceptance from 50 % to 38 %.
    fn default() -> Self {
        Self {
            requests_per_step: 2.0,
            rivals_per_request: 2.0,
            rival_spread: 0.3,
            appeal: 0.0,
            sensitivity: 5.0,
        }
    }
}

impl Parameters {
    /// The price at a percentage of the base price, rounded down to minor units.
    pub(super) fn price_at(&self, percent: i64) -> i64 {
        self.base_price.saturating_mul(percent) / 100
    }

    /// The worth of an offer at this price, where hiring nobody is worth 1.
    pub(super) fn worth(&self, price: f64) -> f64 {
        let Market { appeal, sensitivity, .. } = self.market;
        let relative = (price / self.reference_price.max(1) as f64).min(HIGHEST);
        (appeal + sensitivity * (1.0 - relative)).exp()
    }
}
