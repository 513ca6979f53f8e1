//! Durations and their percentiles, formatted for people.

use std::time::Duration;

/// Durations of one kind in seconds; negative if before the reference time.
#[derive(Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    /// Adds a duration in seconds.
    pub(crate) fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `percent` of the durations do not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let index = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
        sorted[index.clamp(1, sorted.len()) - 1]
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    pub(crate) fn in_ms(&self) -> String {
        let at = |percent| self.percentile(percent) * 1e3;
        format!("p50 {:7.2} ms  p99 {:7.2} ms  max {:7.2} ms", at(50.0), at(99.0), at(100.0))
    }
}
