//! Failures of the sweeper: counted each time, and remembered so that each row's is logged once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounterVec, Opts, Registry};

/// Rows that are remembered. Beyond that all are forgotten, and logged once more.
const REMEMBERED: usize = 1_000;

/// What the sweeper could not settle.
#[derive(Debug)]
pub(crate) struct SweepFailures {
    failures: IntCounterVec,
    known: Mutex<BTreeSet<String>>,
}

impl SweepFailures {
    /// Registers the metric.
    ///
    /// # Errors
    /// Only if another metric has its name.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let failures = IntCounterVec::new(
            Opts::new("souk_sweep_failures_total", "Rows and batches that the sweeper could not settle"),
            &["kind"],
        )?;
        registry.register(Box::new(failures.clone()))?;
        Ok(Self { failures, known: Mutex::default() })
    }

    /// Counts a failure; returns whether it is the first of this row, or of this kind if it is about no row.
    pub(crate) fn failed(&self, kind: &str, row: Option<&str>) -> bool {
        self.failures.with_label_values(&[kind]).inc();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(name(kind, row))
    }

    /// How many rows and kinds failed when they were last tried.
    pub(crate) fn outstanding(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes that this went well, so that its next failure is logged again.
    pub(crate) fn succeeded(&self, kind: &str, row: Option<&str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.is_empty() {
            known.remove(&name(kind, row));
        }
    }
}

fn name(kind: &str, row: Option<&str>) -> String {
    format!("{kind} {}", row.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rows_failures_are_counted_each_and_new_once() {
        let registry = Registry::new();
        let failures = SweepFailures::new(&registry).unwrap();
        assert!(failures.failed("offers", Some("1")));
        assert!(!failures.failed("offers", Some("1")));
        assert!(failures.failed("offers", Some("2")));
        assert!(failures.failed("offers", None));
        assert_eq!(failures.outstanding(), 3);
        failures.succeeded("offers", Some("1"));
        assert_eq!(failures.outstanding(), 2);
        assert!(failures.failed("offers", Some("1")));
        assert_eq!(failures.failures.with_label_values(&["offers"]).get(), 5);
        (0..2 * REMEMBERED).for_each(|row| assert!(failures.failed("requests", Some(&row.to_string()))));
        assert!(failures.known.lock().unwrap().len() <= REMEMBERED);
    }
}
