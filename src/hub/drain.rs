//! Stopping gracefully: sessions are told when to come back, and leave in paced batches.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How the sessions are sent away.
#[derive(Clone, Copy, Debug)]
pub struct DrainPlan {
    /// Sessions closed together, on all worker threads.
    pub batch: usize,
    /// Pause between two batches.
    pub pause: Duration,
    /// Clients are told to come back within a random part of this, so that they do not all come at once.
    pub reconnect_jitter: Duration,
    /// Seed of that randomness.
    pub seed: u64,
    /// When to stop waiting for sessions that do not leave.
    pub deadline: Duration,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections when it began.
    pub at_first: usize,
    /// Connections that were still there at the deadline.
    pub left: usize,
}

/// One worker's part in a drain.
pub(super) struct Pace {
    batch: usize,
    pause: Duration,
    jitter_ms: u64,
    rng: StdRng,
}

impl Pace {
    /// The part of worker number `index` of `workers`.
    pub(super) fn new(plan: &DrainPlan, index: usize, workers: usize) -> Self {
        Self {
            batch: plan.batch.div_ceil(workers.max(1)).max(1),
            pause: plan.pause.max(Duration::from_millis(1)),
            jitter_ms: u64::try_from(plan.reconnect_jitter.as_millis()).unwrap_or(u64::MAX),
            rng: StdRng::seed_from_u64(plan.seed.wrapping_add(u64::try_from(index).unwrap_or(0))),
        }
    }

    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    pub(super) fn reconnect_in(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(0..=self.jitter_ms))
    }
}
