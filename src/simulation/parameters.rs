//! Input of a simulation.

/// The prices that are tried, as percentages of the base price. The base price itself is one of them.
pub(super) const PRICES: [i64; 7] = [50, 75, 90, 100, 110, 125, 150];

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
    /// The market.
    pub competition: Competition,
}

/// What is assumed of the market.
///
/// A request is answered by the provider and by rivals. The worth of an offer at price `p` is
/// `exp(sensitivity × (1 − p / reference))`; that of hiring nobody is 1. The consumer takes an offer with its
/// share of the total worth (multinomial logit). Without rivals this is the logistic function: at the
/// reference price, one half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Competition {
    /// Mean number of requests in a step; Poisson distributed.
    pub requests_per_step: f64,
    /// Mean number of rival offers on a request; Poisson distributed.
    pub rivals_per_request: f64,
    /// How far rivals' prices are from the reference price: uniformly up to this fraction of it.
    pub rival_spread: f64,
    /// How strongly consumers react to prices.
    pub sensitivity: f64,
}

impl Default for Competition {
    /// Two requests a day, two rivals on each with prices within 30 %, and a sensitivity of 5: without rivals,
    /// 10 % above the reference price lowers the acceptance from 50 % to 38 %.
    fn default() -> Self {
        Self { requests_per_step: 2.0, rivals_per_request: 2.0, rival_spread: 0.3, sensitivity: 5.0 }
    }
}

impl Parameters {
    /// The price at a percentage of the base price, rounded down to minor units.
    pub(super) fn price_at(&self, percent: i64) -> i64 {
        self.base_price.saturating_mul(percent) / 100
    }

    /// The worth of an offer at this price, where hiring nobody is worth 1.
    pub(super) fn worth(&self, price: f64) -> f64 {
        (self.competition.sensitivity * (1.0 - price / self.reference_price.max(1) as f64)).exp()
    }
}
