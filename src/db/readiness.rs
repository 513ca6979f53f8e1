//! The readiness probe: cached for a second, so that frequent probes by anyone cost at most one small write a
//! second.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::outage::Outage;
use super::{DbConnection, DbError};

/// How long a result is shared by all probes.
const FRESH: Duration = Duration::from_secs(1);

/// Time limit of a probe; orchestrators' own probes time out about as fast.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A committed write: beginning a transaction proves nothing about a full disk, which only the commit meets.
/// Always the same row, so that nothing grows. 64 random KiB each time, because SQLite does not write a page that did
/// not change.
const ON_SQLITE: &[&str] =
    &["INSERT INTO write_probe (id, writes, filler) VALUES (1, 1, hex(randomblob(32768))) \
     ON CONFLICT (id) DO UPDATE SET writes = write_probe.writes + 1, filler = excluded.filler"];

/// The same on PostgreSQL, if nobody else has locked the row. A node that was cut off in the middle of its probe holds the
/// lock for seconds, and must not make the others unready; that a server is read-only is noticed all the same.
const ON_POSTGRES: &[&str] = &[
    "INSERT INTO write_probe (id, writes, filler) SELECT 1, 0, '' WHERE NOT EXISTS (SELECT FROM write_probe) \
     ON CONFLICT DO NOTHING",
    "UPDATE write_probe SET writes = writes + 1 \
     WHERE id = (SELECT id FROM write_probe WHERE id = 1 FOR UPDATE SKIP LOCKED)",
];

/// The last result; locked while a probe runs, so that concurrent callers share its result.
pub(super) struct Readiness {
    last: Arc<Mutex<Option<Answer>>>,
    outage: Outage,
}

struct Answer {
    at: Instant,
    ready: Result<(), ProbeFailure>,
}

/// Why a probe failed. The cause is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProbeFailure {
    /// At which of its steps.
    pub(crate) step: ProbeStep,
    /// Whether it got no answer in time, and not an error.
    pub(crate) timed_out: bool,
}

/// A step of a probe; the second is taken if the first succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeStep {
    /// Reading the schema.
    Read,
    /// Committing a write.
    Write,
}

impl Readiness {
    pub(super) fn new() -> Self {
        Self { last: Arc::default(), outage: Outage::new("readiness probes", log::Level::Warn) }
    }
}

impl Readiness {
    /// Returns the last result if fresh, otherwise that of a probe by these steps, which runs once for all concurrent
    /// callers.
    pub(super) async fn check(
        self: &Arc<Self>,
        read: impl Future<Output = Result<(), DbError>> + Send + 'static,
        write: impl Future<Output = Result<(), DbError>> + Send + 'static,
    ) -> Result<(), ProbeFailure> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(answer) = last.as_ref().filter(|answer| answer.at.elapsed() < FRESH) {
            return answer.ready;
        }
        let readiness = self.clone();
        // A separate task: a caller that disconnects must not let a second probe start while this one runs.
        let probed = tokio::spawn(async move {
            let ready = readiness.probe(read, write).await;
            if ready.is_ok() {
                readiness.outage.succeeded();
            }
            *last = Some(Answer { at: Instant::now(), ready });
            ready
        });
        // It panicked.
        probed.await.unwrap_or(Err(ProbeFailure { step: ProbeStep::Read, timed_out: false }))
    }

    async fn probe(
        &self,
        read: impl Future<Output = Result<(), DbError>>,
        write: impl Future<Output = Result<(), DbError>>,
    ) -> Result<(), ProbeFailure> {
        let until = tokio::time::Instant::now() + PROBE_TIMEOUT;
        let failed = |step, timed_out, why: &dyn Display| {
            self.outage.failed(why);
            ProbeFailure { step, timed_out }
        };
        let in_time = |step, probed: Result<Result<(), DbError>, _>| match probed {
            Ok(probed) => probed.map_err(|error| failed(step, false, &error)),
            Err(_) => Err(failed(step, true, &format_args!("no answer within {PROBE_TIMEOUT:?}"))),
        };
        in_time(ProbeStep::Read, timeout_at(until, read).await)?;
        in_time(ProbeStep::Write, timeout_at(until, write).await)
    }

    /// For how long probes have failed; `None` if the last one succeeded.
    pub(super) fn fails_for(&self) -> Option<Duration> {
        self.outage.lasts_for()
    }
}

/// Writes the probe row.
pub(super) fn write_probe(connection: &mut DbConnection) -> Result<(), DbError> {
    let statements = if connection.is_postgres() { ON_POSTGRES } else { ON_SQLITE };
    for statement in statements {
        diesel::sql_query(*statement).execute(connection)?;
    }
    Ok(())
}
