//! How much the database has to do: what waits for it, and how many writes are committed at once.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{IntCounter, IntGauge, Registry};

/// Counts from the moment when it is registered on.
#[derive(Default)]
pub(super) struct Load {
    metrics: OnceLock<LoadMetrics>,
    last_commit: Mutex<Option<Instant>>,
}

struct LoadMetrics {
    connection_waiting: IntGauge,
    commit_waiting: IntGauge,
    commits: IntCounter,
    committed: IntCounter,
}

impl Load {
    pub(super) fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let metrics = LoadMetrics {
            connection_waiting: gauge(
                "souk_db_connection_waiting",
                "Units of work that wait for a connection; on SQLite only reads",
            )?,
            commit_waiting: gauge("souk_db_commit_waiting", "Writes that are not committed yet")?,
            commits: counter("souk_db_commits_total", "Transactions that were committed")?,
            committed: counter("souk_db_committed_writes_total", "Writes that were committed in them")?,
        };
        // Registering twice fails above.
        let _ = self.metrics.set(metrics);
        Ok(())
    }

    /// Counts a unit of work as waiting for a connection until the value is dropped.
    pub(super) fn wait_for_connection(&self) -> Waiting {
        Waiting::begin(self.metrics.get().map(|metrics| &metrics.connection_waiting))
    }

    /// Counts a write as waiting for its commit until the value is dropped.
    pub(super) fn wait_for_commit(&self) -> Waiting {
        Waiting::begin(self.metrics.get().map(|metrics| &metrics.commit_waiting))
    }

    /// So many writes were committed in one transaction.
    pub(super) fn committed(&self, writes: usize) {
        *self.last_commit.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if let Some(metrics) = self.metrics.get() {
            metrics.commits.inc();
            metrics.committed.inc_by(writes as u64);
        }
    }

    /// How long ago this process committed something; `None` if it never did.
    pub(super) fn since_last_commit(&self) -> Option<Duration> {
        self.last_commit.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// Units of work that wait for a connection, and writes that are not committed yet.
    pub(super) fn waiting(&self) -> (u64, u64) {
        let of = |gauge: &IntGauge| u64::try_from(gauge.get()).unwrap_or(0);
        self.metrics
            .get()
            .map_or((0, 0), |metrics| (of(&metrics.connection_waiting), of(&metrics.commit_waiting)))
    }
}

/// Something that waits.
#[must_use]
pub(super) struct Waiting(Option<IntGauge>);

impl Waiting {
    fn begin(gauge: Option<&IntGauge>) -> Self {
        let gauge = gauge.cloned();
        gauge.iter().for_each(IntGauge::inc);
        Self(gauge)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.iter().for_each(IntGauge::dec);
    }
}
