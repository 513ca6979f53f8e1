//! Aggregates the measurements of all sessions into a report.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::client::Failure;

/// The measurements of one session.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Time from the first byte to the welcome message, and when that arrived.
    pub(super) connect: Option<(Duration, Instant)>,
    pub(super) join: Option<Duration>,
    pub(super) round_trips: Vec<Duration>,
    pub(super) deliveries: Vec<Duration>,
    pub(super) failure: Option<Failure>,
}

/// The result of a load test.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Sessions that were opened and did not fail.
    pub(crate) sessions: usize,
    /// Failed sessions, by cause.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Sessions opened per second, from the start of the first handshake to the last welcome message.
    pub(crate) connects_per_second: f64,
    /// From the start of a handshake to the welcome message.
    pub(crate) connect: Latency,
    /// From `join` to its answer, when all sessions join at once.
    pub(crate) join: Latency,
    /// From `ping` to `pong`.
    pub(crate) round_trip: Latency,
    /// From sending `typing` to its arrival at another member of the room.
    pub(crate) delivery: Latency,
}

/// A distribution of latencies, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Latency {
    /// The number of measurements.
    pub(crate) count: usize,
    /// The median.
    pub(crate) p50_ms: f64,
    /// The 99th percentile.
    pub(crate) p99_ms: f64,
    /// The maximum.
    pub(crate) max_ms: f64,
}

impl Latency {
    /// Computes the percentiles of these times, in any order (nearest rank).
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let millis = |time: &Duration| time.as_secs_f64() * 1_000.0;
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).map_or(0.0, millis)
        };
        Self { count: times.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

impl Report {
    pub(super) fn of(began: Instant, measured: &[Measured]) -> Self {
        let mut failed = BTreeMap::new();
        for failure in measured.iter().filter_map(|session| session.failure.as_ref()) {
            *failed.entry(failure.to_string()).or_insert(0) += 1;
        }
        let connected: Vec<_> = measured.iter().filter_map(|session| session.connect).collect();
        let took = connected.iter().map(|(_, here)| here.duration_since(began)).max().unwrap_or_default();
        let all = |times: fn(&Measured) -> &Vec<Duration>| {
            Latency::of(measured.iter().flat_map(|session| times(session).iter().copied()).collect())
        };
        Self {
            sessions: measured.iter().filter(|session| session.failure.is_none()).count(),
            failed,
            connects_per_second: connected.len() as f64 / took.as_secs_f64().max(f64::EPSILON),
            connect: Latency::of(connected.iter().map(|(took, _)| *took).collect()),
            join: Latency::of(measured.iter().filter_map(|session| session.join).collect()),
            round_trip: all(|session| &session.round_trips),
            delivery: all(|session| &session.deliveries),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sessions     {} opened and lasted", self.sessions)?;
        for (why, count) in &self.failed {
            writeln!(f, "             {count} failed: {why}")?;
        }
        writeln!(f, "connects     {:.0}/s; {}", self.connects_per_second, self.connect)?;
        writeln!(f, "joins        {}", self.join)?;
        writeln!(f, "round trips  {}", self.round_trip)?;
        write!(f, "deliveries   {}", self.delivery)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50_ms, p99_ms, max_ms } = self;
        write!(f, "p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, max {max_ms:.1} ms ({count} measured)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(times);
        assert_eq!(
            (latency.count, latency.p50_ms, latency.p99_ms, latency.max_ms),
            (200, 100.0, 198.0, 200.0)
        );
        assert_eq!(Latency::of(vec![Duration::from_millis(3)]).p99_ms, 3.0);
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
