//! The values of all metrics at a moment, for who reads them within the process.

use std::collections::BTreeMap;

use prometheus::proto::{Metric, MetricFamily};

/// What was measured at a moment, by the metrics' names.
pub(crate) struct Sample(Vec<MetricFamily>);

impl Sample {
    pub(super) fn new(families: Vec<MetricFamily>) -> Self {
        Self(families)
    }

    /// The sum over all labels; 0 for a metric that is not there.
    pub(crate) fn value(&self, name: &str) -> f64 {
        self.metrics(name).map(value).sum()
    }

    /// As [`Sample::value`], of what is counted in whole numbers.
    pub(crate) fn total(&self, name: &str) -> u64 {
        whole(self.value(name))
    }

    /// The sum where the label has this value.
    pub(crate) fn of(&self, name: &str, label: &str, wanted: &str) -> u64 {
        whole(self.metrics(name).filter(|metric| label_of(metric, label) == Some(wanted)).map(value).sum())
    }

    /// The sums by what `group` makes of the label.
    pub(crate) fn by(&self, name: &str, label: &str, group: fn(&str) -> String) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for metric in self.metrics(name) {
            let key = group(label_of(metric, label).unwrap_or_default());
            *sums.entry(key).or_default() += whole(value(metric));
        }
        sums
    }

    /// The buckets of a histogram, summed over all labels: upper bound and how many were at most that. The last one has
    /// no bound.
    pub(crate) fn buckets(&self, name: &str) -> Vec<(Option<f64>, u64)> {
        let mut sums: Vec<(Option<f64>, u64)> = Vec::new();
        let mut all = 0;
        for metric in self.metrics(name) {
            let histogram = metric.get_histogram();
            all += histogram.get_sample_count();
            let bounded = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
            for (at, bucket) in bounded.enumerate() {
                match sums.get_mut(at) {
                    Some((_, count)) => *count += bucket.cumulative_count(),
                    None => sums.push((Some(bucket.upper_bound()), bucket.cumulative_count())),
                }
            }
        }
        sums.push((None, all));
        sums
    }

    fn metrics(&self, name: &str) -> impl Iterator<Item = &Metric> {
        self.0.iter().filter(move |family| family.name() == name).flat_map(MetricFamily::get_metric)
    }
}

/// Of a counter or a gauge; a metric is one of them, and the other reads as 0.
fn value(metric: &Metric) -> f64 {
    metric.get_counter().get_value() + metric.get_gauge().get_value()
}

fn label_of<'m>(metric: &'m Metric, name: &str) -> Option<&'m str> {
    metric.get_label().iter().find(|label| label.name() == name).map(|label| label.value())
}

fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::telemetry::Metrics;

    #[test]
    fn counters_and_histograms_are_summed_over_their_labels() {
        let metrics = Metrics::new().unwrap();
        metrics.http_answered("/offers", "GET", 200, Duration::from_millis(3));
        metrics.http_answered("/offers", "GET", 204, Duration::from_millis(30));
        metrics.http_answered("/requests", "POST", 503, Duration::from_secs(60));
        let sample = metrics.sample();
        assert_eq!(sample.total("souk_http_requests_total"), 3);
        assert_eq!(sample.of("souk_http_requests_total", "route", "/offers"), 2);
        let by_status = sample.by("souk_http_requests_total", "status", |status| status[..1].to_owned());
        assert_eq!(by_status.into_iter().collect::<Vec<_>>(), [("2".to_owned(), 2), ("5".to_owned(), 1)]);
        let buckets = sample.buckets("souk_http_request_seconds");
        assert_eq!(buckets.iter().find(|(bound, _)| *bound == Some(0.005)), Some(&(Some(0.005), 1)));
        assert_eq!(buckets.last(), Some(&(None, 3)));
        assert_eq!(sample.total("nothing"), 0);
        assert!(sample.value("process_resident_memory_bytes") > 0.0);
        assert!(sample.value("process_cpu_seconds_total") > 0.0);
    }
}
