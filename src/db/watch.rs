//! Notices a PostgreSQL server that has gone silent: nothing can interrupt a thread that waits in libpq for an answer.
//!
//! The server itself ends a statement after `statement_timeout`. Whoever hears nothing for a little longer has lost the
//! server, whatever TCP says: a proxy may go on acknowledging for it. The caller is told so, and gives up the
//! thread with its connection, which returns when the system gives up the connection. How many threads
//! may be given up at once is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tokio::task::{JoinError, JoinHandle};

/// What a server that has ended a statement gets to say so.
pub(super) const ANSWER_MARGIN: Duration = Duration::from_secs(2);

/// Counts what happens on a connection: statements that are sent and answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Counts one more.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Instrumentation for Progress {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {
        self.advance();
    }
}

/// The result of `running`, or `None` once nothing has happened on its connection for `limit`; the thread goes on.
pub(super) async fn until_stalled<T>(
    mut running: JoinHandle<T>,
    progress: &Progress,
    limit: Duration,
) -> Option<Result<T, JoinError>> {
    let (mut seen, mut since) = (progress.steps(), Instant::now());
    loop {
        if let Ok(done) = tokio::time::timeout(limit / 32, &mut running).await {
            return Some(done);
        }
        let steps = progress.steps();
        if steps != seen {
            (seen, since) = (steps, Instant::now());
        } else if since.elapsed() >= limit {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(80);

    #[tokio::test]
    async fn who_goes_on_is_waited_for_and_who_stands_still_is_not() {
        let progress = Progress::default();
        let steps = progress.clone();
        let (go, gone) = sync_channel::<()>(0);
        let running = tokio::task::spawn_blocking(move || {
            for _ in 0..20 {
                std::thread::sleep(LIMIT / 4);
                steps.advance();
            }
            let _ = gone.recv();
            7
        });
        let began = Instant::now();
        assert!(until_stalled(running, &progress, LIMIT).await.is_none(), "it waits for us");
        assert!(began.elapsed() > LIMIT * 5, "as long as it went on");
        drop(go);
        let done = until_stalled(tokio::task::spawn_blocking(|| 7), &progress, LIMIT).await;
        assert_eq!(done.unwrap().unwrap(), 7);
    }
}
