//! What is told of a simulation that runs.

use serde::{Deserialize, Serialize};

/// What the runs of a simulation bring so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PartialEstimates {
    /// Mean bookings of a run.
    pub(crate) bookings: Interval,
    /// Mean revenue of a run, in minor units.
    pub(crate) revenue: Interval,
}

/// An estimate and its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interval {
    /// The estimate.
    pub(crate) value: f64,
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}
