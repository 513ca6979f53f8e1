//! The metrics registry and the metrics of HTTP; other modules register theirs with [`Metrics::registry`].

use std::time::Duration;

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use super::process::Process;
use super::sample::Sample;

/// Every metric of this server. There is no global registry, so that tests can run several servers in one
/// process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    http_requests: IntCounterVec,
    http_seconds: HistogramVec,
    plan_limits: IntCounterVec,
}

/// Upper bounds of the latency buckets in seconds: from an in-memory read to a request that the client gave
/// up on.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

impl Metrics {
    /// A registry with the metrics of HTTP and of the process.
    ///
    /// # Errors
    /// Only if two metrics have the same name, which a test would find.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let http_requests = IntCounterVec::new(
            Opts::new("souk_http_requests_total", "HTTP requests answered"),
            &["route", "method", "status"],
        )?;
        let http_seconds = HistogramVec::new(
            HistogramOpts::new("souk_http_request_seconds", "Time from request head to response head")
                .buckets(SECONDS.to_vec()),
            &["route", "method"],
        )?;
        let plan_limits = IntCounterVec::new(
            Opts::new("souk_plan_limits_total", "Times that a plan's limit refused something"),
            &["limit", "plan"],
        )?;
        registry.register(Box::new(plan_limits.clone()))?;
        registry.register(Box::new(http_requests.clone()))?;
        registry.register(Box::new(http_seconds.clone()))?;
        registry.register(Box::new(Process::new()?))?;
        Ok(Self { registry, http_requests, http_seconds, plan_limits })
    }

    /// The registry, for other modules' metrics; names begin with `souk_` and contain their unit.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts one answered request. `route` is the pattern (`/offers/{id}`), never the path: a label per id
    /// would grow without bound.
    pub(crate) fn http_answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.http_seconds.with_label_values(&[route, method]).observe(took.as_secs_f64());
    }

    /// Counts a refusal by a plan limit: `connections`, `messages`, `rooms`, `requests` or `simulations`.
    pub(crate) fn plan_limited(&self, limit: &str, plan: &str) {
        self.plan_limits.with_label_values(&[limit, plan]).inc();
    }

    /// The values of all metrics at this moment.
    pub(crate) fn sample(&self) -> Sample {
        Sample::new(self.registry.gather())
    }

    /// All metrics in the Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// Only if a metric has a name or label that the format cannot represent.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let metrics = Metrics::new().unwrap();
        metrics.http_answered("/offers/{id}", "GET", 200, Duration::from_millis(3));
        metrics.http_answered("/offers/{id}", "GET", 200, Duration::from_millis(30));
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        let line = r#"souk_http_requests_total{method="GET",route="/offers/{id}",status="200"} 2"#;
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains(
                r#"souk_http_request_seconds_bucket{method="GET",route="/offers/{id}",le="0.005"} 1"#
            )
        );
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }
}
