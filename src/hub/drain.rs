//! Closing all sessions, at a shutdown or when the node is cut off from its database: they are told when to
//! reconnect, and are closed in paced batches.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Closing;

/// How a drain closes the sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrainPlan {
    /// Sessions closed together, summed over all worker threads.
    pub(crate) batch: usize,
    /// Pause between two batches.
    pub(crate) pause: Duration,
    /// Each client is told a random delay up to this before it reconnects, so that they do not all reconnect
    /// at once.
    pub(crate) reconnect_jitter: Duration,
    /// Seed of those random delays.
    pub(crate) seed: u64,
    /// When each session closes its connection.
    pub(crate) closing: Closing,
    /// How long the drain waits for sessions that do not close.
    pub(crate) deadline: Duration,
}

/// The result of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections when the drain began.
    pub(crate) at_first: usize,
    /// Connections that were still open at the deadline.
    pub(crate) left: usize,
}

/// One worker's share of a drain.
pub(super) struct Pace {
    batch: usize,
    closing: Closing,
    pause: Duration,
    jitter_ms: u64,
    rng: StdRng,
}

impl Pace {
    /// The share of worker number `index` of `workers`.
    pub(super) fn new(plan: &DrainPlan, index: usize, workers: usize) -> Self {
        Self {
            batch: plan.batch.div_ceil(workers.max(1)).max(1),
            closing: plan.closing,
            pause: plan.pause.max(Duration::from_millis(1)),
            jitter_ms: u64::try_from(plan.reconnect_jitter.as_millis()).unwrap_or(u64::MAX),
            rng: StdRng::seed_from_u64(plan.seed.wrapping_add(u64::try_from(index).unwrap_or(0))),
        }
    }

    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    pub(super) fn closing(&self) -> Closing {
        self.closing
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    pub(super) fn reconnect_in(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(0..=self.jitter_ms))
    }
}
