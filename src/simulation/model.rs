//! The model of the market, and one run of it.

use super::parameters::{Competition, PRICES, Parameters};
use super::random::Random;
use super::tally::Tally;

/// Index of the base price in [`PRICES`].
const BASE: usize = 3;

/// Runs that are computed at once: progress is reported, and cancellation noticed, after each block.
const BLOCK: u32 = 16;

impl Parameters {
    /// Number of blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.runs.div_ceil(BLOCK)
    }

    /// Computes one block of runs.
    pub(super) fn block(&self, block: u32) -> Tally {
        let first = block.saturating_mul(BLOCK);
        let market = Market::of(self);
        let mut tally = Tally::default();
        for run in first..first.saturating_add(BLOCK).min(self.runs) {
            market.run(self.steps, Random::of_run(self.seed, run), &mut tally);
        }
        tally
    }
}

/// What is computed once for all requests.
struct Market<'a> {
    parameters: &'a Parameters,
    own: [f64; PRICES.len()],
    no_request: f64,
    no_rival: f64,
}

impl<'a> Market<'a> {
    fn of(parameters: &'a Parameters) -> Self {
        let Competition { requests_per_step, rivals_per_request, .. } = parameters.competition;
        Self {
            parameters,
            own: PRICES.map(|percent| parameters.worth(parameters.price_at(percent) as f64)),
            no_request: (-requests_per_step).exp(),
            no_rival: (-rivals_per_request).exp(),
        }
    }

    /// One run. All prices are tried on the same requests, rivals and moods, so that their differences are
    /// due to the prices only (common random numbers).
    fn run(&self, steps: u32, mut random: Random, tally: &mut Tally) {
        let (mut requests, mut accepted) = (0_u64, [0_u64; PRICES.len()]);
        for _ in 0..steps {
            for _ in 0..random.poisson(self.no_request) {
                requests += 1;
                let others = 1.0 + self.rivals(&mut random);
                let mood = random.uniform();
                for (count, own) in accepted.iter_mut().zip(self.own) {
                    *count += u64::from(mood * (own + others) < own);
                }
            }
        }
        let bookings = accepted.get(BASE).copied().unwrap_or(0);
        tally.add(requests, &accepted, bookings);
    }

    /// The total worth of the rivals' offers on one request.
    fn rivals(&self, random: &mut Random) -> f64 {
        let reference = self.parameters.reference_price.max(1) as f64;
        let spread = self.parameters.competition.rival_spread;
        let count = random.poisson(self.no_rival);
        let worth = |random: &mut Random| {
            let price = reference * (1.0 + spread * (2.0 * random.uniform() - 1.0));
            self.parameters.worth(price)
        };
        (0..count).map(|_| worth(random)).sum()
    }
}
