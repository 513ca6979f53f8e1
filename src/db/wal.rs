//! Bounds the write-ahead log of a SQLite file.
//!
//! SQLite starts its log anew only at a moment when nobody reads from it. Reads that overlap leave no such moment, and
//! the log grows for as long as they do. So once it is too large, the writer holds new reads back until those in
//! progress have ended, empties the log, and lets them in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Integer;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use crate::clock::{Clock, Timestamp};

use super::config::DbConfig;
use super::outage::Outage;
use super::{DbConnection, DbError};

/// How long the reads in progress may take to end; meanwhile nothing is written and new reads wait.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait for another process that reads or writes the file.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_millis(250);

/// Time from an attempt that failed to the next one: a backup, which reads for long, must not stop the writes.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The log beside a SQLite file, as its writer looks after it.
pub(super) struct Wal {
    file: PathBuf,
    max: u64,
    busy_timeout: Duration,
    clock: Clock,
    reads: Arc<ReadGate>,
    metrics: Arc<OnceLock<WalMetrics>>,
    blocked: Outage,
    retry_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Checkpointed {
    /// Not zero if somebody's reading or writing prevented it.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

impl Wal {
    pub(super) fn new(config: &DbConfig, database: &Path, clock: Clock, reads: Arc<ReadGate>) -> Self {
        let mut file = database.as_os_str().to_owned();
        file.push("-wal");
        Self {
            file: file.into(),
            max: config.wal_max,
            busy_timeout: config.busy_timeout,
            clock,
            metrics: reads.metrics.clone(),
            reads,
            blocked: Outage::new("emptying the write-ahead log", log::Level::Warn),
            retry_at: None,
        }
    }

    /// Empties the log if it is too large; called between two groups of writes.
    pub(super) fn bound(&mut self, connection: &mut DbConnection) {
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        self.measured(bytes);
        let now = self.clock.now();
        if bytes <= self.max || self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        let emptied = self.empty(connection);
        if let Some(metrics) = self.metrics.get() {
            let outcome = if emptied.is_ok() { "truncated" } else { "blocked" };
            metrics.checkpoints.with_label_values(&[outcome]).inc();
        }
        match emptied {
            Ok(()) => {
                self.retry_at = None;
                self.blocked.succeeded();
                self.measured(std::fs::metadata(&self.file).map_or(0, |file| file.len()));
            }
            Err(why) => {
                self.retry_at = Some(now.plus(RETRY_AFTER));
                self.blocked.failed(&format_args!("{why}; the log has {bytes} bytes and grows meanwhile"));
            }
        }
    }

    fn empty(&self, connection: &mut DbConnection) -> Result<(), DbError> {
        let Some(_held_back) = self.reads.close(PATIENCE) else {
            return Err(DbError::Contended(format!("reads in progress took more than {PATIENCE:?}")));
        };
        wait_for_others(connection, PATIENCE_WITH_OTHERS)?;
        let tried =
            diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpointed>(connection);
        wait_for_others(connection, self.busy_timeout)?;
        match tried?.busy {
            0 => Ok(()),
            _ => Err(DbError::Contended("another process uses the file".into())),
        }
    }

    fn measured(&self, bytes: u64) {
        if let Some(metrics) = self.metrics.get() {
            metrics.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}

fn wait_for_others(connection: &mut DbConnection, limit: Duration) -> Result<(), DbError> {
    Ok(connection.execute_batch(&format!("PRAGMA busy_timeout = {}", limit.as_millis()))?)
}

/// Metrics of the log.
struct WalMetrics {
    bytes: IntGauge,
    checkpoints: IntCounterVec,
}

/// Reads in progress in this process, and whether new ones are held back.
#[derive(Default)]
pub(super) struct ReadGate {
    state: Mutex<State>,
    changed: Condvar,
    metrics: Arc<OnceLock<WalMetrics>>,
}

#[derive(Default)]
struct State {
    reading: usize,
    is_closed: bool,
}

impl ReadGate {
    /// Registers the metrics of the log, which has one on SQLite only.
    pub(super) fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        let bytes = IntGauge::new("souk_sqlite_wal_bytes", "Size of SQLite's write-ahead log, in bytes")?;
        let checkpoints = IntCounterVec::new(
            Opts::new(
                "souk_sqlite_checkpoints_total",
                "Times that SQLite's write-ahead log was too large, and was truncated or in use (blocked)",
            ),
            &["outcome"],
        )?;
        registry.register(Box::new(bytes.clone()))?;
        registry.register(Box::new(checkpoints.clone()))?;
        // Registering twice fails above.
        let _ = self.metrics.set(WalMetrics { bytes, checkpoints });
        Ok(())
    }

    /// Begins a read, as soon as reads are not held back. Blocks, for less than a second.
    pub(super) fn enter(&self) -> Reading<'_> {
        let state = self.lock();
        let mut state =
            self.changed.wait_while(state, |state| state.is_closed).unwrap_or_else(PoisonError::into_inner);
        state.reading += 1;
        Reading(self)
    }

    /// Holds new reads back and waits until none is in progress; `None` if some still are after `patience`.
    fn close(&self, patience: Duration) -> Option<HeldBack<'_>> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        state.is_closed = true;
        let held_back = HeldBack(self);
        while state.reading > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Released first: what holds the reads back needs the lock to let them in.
                drop(state);
                return None;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        drop(state);
        Some(held_back)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read in progress, until it is dropped.
pub(super) struct Reading<'g>(&'g ReadGate);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reading = state.reading.saturating_sub(1);
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Holds reads back until it is dropped.
struct HeldBack<'g>(&'g ReadGate);

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        self.0.lock().is_closed = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_wait_while_they_are_held_back_and_for_no_longer() {
        let gate = ReadGate::default();
        let reading = gate.enter();
        assert!(gate.close(Duration::from_millis(1)).is_none(), "one is in progress");
        drop(gate.enter());
        drop(reading);
        let held_back = gate.close(Duration::from_millis(1));
        assert!(held_back.is_some());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(gate.enter()));
            drop(held_back);
            waiting.join().unwrap();
        });
    }
}
