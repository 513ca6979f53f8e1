//! Whether requests should be sent here: asked by anybody and often, answered at the price of one small write a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use tokio::sync::Mutex;

use super::outage::Outage;
use super::{DbConnection, DbError};

/// How long an answer is good for everybody who asks.
const FRESH: Duration = Duration::from_secs(1);

/// How long the database has for an answer: probes of orchestrators do not wait long either.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A row that is really written: that a transaction can begin says nothing of a full disk, which only its commit meets.
/// Always the same row, so that nothing grows.
const WRITE: &str =
    "ON CONFLICT (id) DO UPDATE SET writes = write_probe.writes + 1, filler = excluded.filler";

/// How it is filled: with 64 KiB that differ each time, since SQLite writes no page that stays as it was.
fn filler(connection: &DbConnection) -> &'static str {
    if connection.is_postgres() { "''" } else { "hex(randomblob(32768))" }
}

/// The last answer, locked while the next one is found: whoever asks meanwhile gets that one.
pub(super) struct Readiness {
    last: Arc<Mutex<Option<Answer>>>,
    outage: Outage,
}

struct Answer {
    at: Instant,
    ready: Result<(), String>,
}

impl Readiness {
    pub(super) fn new() -> Self {
        Self { last: Arc::default(), outage: Outage::new("readiness probes", log::Level::Warn) }
    }
}

impl Readiness {
    /// The last answer where it is fresh, else that of `probe`, which runs once for all who ask meanwhile.
    pub(super) async fn check(
        self: &Arc<Self>,
        probe: impl Future<Output = Result<(), DbError>> + Send + 'static,
    ) -> Result<(), DbError> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(answer) = last.as_ref().filter(|answer| answer.at.elapsed() < FRESH) {
            return answer.ready.clone().map_err(DbError::Unavailable);
        }
        let readiness = self.clone();
        // A task of its own: a caller that hangs up does not make room for another probe while this one lasts.
        let probed = tokio::spawn(async move {
            let ready = match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
                Ok(probed) => probed.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {PROBE_TIMEOUT:?}")),
            };
            match &ready {
                Ok(()) => readiness.outage.succeeded(),
                Err(why) => readiness.outage.failed(why),
            }
            *last = Some(Answer { at: Instant::now(), ready: ready.clone() });
            ready
        });
        probed.await.unwrap_or_else(|_| Err("the probe panicked".into())).map_err(DbError::Unavailable)
    }
}

/// Writes the row.
pub(super) fn write_probe(connection: &mut DbConnection) -> Result<(), DbError> {
    let filler = filler(connection);
    let write = format!("INSERT INTO write_probe (id, writes, filler) VALUES (1, 1, {filler}) {WRITE}");
    diesel::sql_query(write).execute(connection)?;
    Ok(())
}
