//! The model of the market, and one run of it.

use super::parameters::{Capacity, Market, PRICES, Parameters, WhenFull};
use super::random::Random;
use super::tally::{Counts, Tally};

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
        let model = Model::of(self);
        let mut tally = Tally::default();
        for run in first..first.saturating_add(BLOCK).min(self.runs) {
            tally.add(&model.run(Random::of_run(self.seed, run)));
        }
        tally
    }
}

/// What is computed once for all requests.
struct Model<'a> {
    parameters: &'a Parameters,
    own: [f64; PRICES.len()],
    no_request: f64,
    no_rival: f64,
}

impl<'a> Model<'a> {
    fn of(parameters: &'a Parameters) -> Self {
        let Market { requests_per_step, rivals_per_request, .. } = parameters.market;
        Self {
            parameters,
            own: PRICES.map(|percent| parameters.worth(parameters.price_at(percent) as f64)),
            no_request: (-requests_per_step).exp(),
            no_rival: (-rivals_per_request).exp(),
        }
    }

    /// One run. All prices are tried on the same requests, rivals and moods, so that their differences are
    /// due to the prices only (common random numbers).
    fn run(&self, mut random: Random) -> Counts {
        let mut counts = Counts::default();
        let mut waiting = [0_u64; PRICES.len()];
        for _ in 0..self.parameters.steps {
            let mut accepted = [0_u64; PRICES.len()];
            for _ in 0..random.poisson(self.no_request) {
                counts.requests += 1;
                let others = 1.0 + self.rivals(&mut random);
                let mood = random.uniform();
                for (count, own) in accepted.iter_mut().zip(self.own) {
                    *count += u64::from(mood * (own + others) < own);
                }
            }
            let sums = counts.accepted.iter_mut().zip(&mut counts.booked);
            for (((sum, booked), waiting), accepted) in sums.zip(&mut waiting).zip(accepted) {
                *sum += accepted;
                *booked += self.book(waiting, accepted);
            }
        }
        counts
    }

    /// The bookings of a day on which so many offers were accepted; `waiting` are those of earlier days.
    fn book(&self, waiting: &mut u64, accepted: u64) -> u64 {
        let Some(Capacity { per_step, when_full }) = self.parameters.capacity else { return accepted };
        let wanted = *waiting + accepted;
        let booked = wanted.min(per_step.into());
        *waiting = match when_full {
            WhenFull::Decline => 0,
            WhenFull::Defer => wanted - booked,
        };
        booked
    }

    /// The total worth of the rivals' offers on one request.
    fn rivals(&self, random: &mut Random) -> f64 {
        let reference = self.parameters.reference_price.max(1) as f64;
        let spread = self.parameters.market.rival_spread;
        let count = random.poisson(self.no_rival);
        let worth = |random: &mut Random| {
            let price = reference * (1.0 + spread * (2.0 * random.uniform() - 1.0));
            self.parameters.worth(price)
        };
        (0..count).map(|_| worth(random)).sum()
    }
}
