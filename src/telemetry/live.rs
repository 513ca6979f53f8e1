//! Numbers of what is there, looked at when the metrics are: nothing is counted twice, and nothing can be counted wrong.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Registry};

/// A gauge that looks when it is asked.
struct Live<F> {
    gauge: IntGauge,
    look: F,
}

/// Registers a gauge of this name whose value is what `look` sees.
///
/// # Errors
/// Only if a metric of the same name is registered already.
pub fn register_live(
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
