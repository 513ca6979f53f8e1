//! Gauges that compute their value when the metrics are collected, so that no counter can drift from the
//! state it describes.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Registry};

/// A gauge that calls a function on each collection.
struct Live<F> {
    gauge: IntGauge,
    look: F,
}

/// Registers a gauge of this name whose value is the result of `look`.
///
/// # Errors
/// Only if a metric of the same name is registered already.
pub(crate) fn register_live(
    registry: &Registry,
    name: &str,
    help: &str,
    look: impl Fn() -> usize + Send + Sync + 'static,
) -> prometheus::Result<()> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(Live { gauge, look }))
}

impl<F: Fn() -> usize + Send + Sync> Collector for Live<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(i64::try_from((self.look)()).unwrap_or(i64::MAX));
        self.gauge.collect()
    }
}
