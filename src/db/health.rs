//! Whether the database answers, and what is known of its reads and writes besides.

use std::time::Duration;

use super::readiness::{ProbeFailure, write_probe};
use super::{Db, migrate};

/// How the database is. Times are how long ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DbHealth {
    /// What the readiness probe found, at most a second ago.
    pub(crate) probe: Result<(), ProbeFailure>,
    /// When the probes began to fail.
    pub(crate) probes_fail_for: Option<Duration>,
    /// When reads began to fail because the database is away.
    pub(crate) reads_fail_for: Option<Duration>,
    /// When writes began to fail because the database is away.
    pub(crate) writes_fail_for: Option<Duration>,
    /// The last commit of this process, that of a probe among them.
    pub(crate) last_commit: Option<Duration>,
    /// Units of work that wait for a connection.
    pub(crate) connection_waiting: u64,
    /// Writes that are not committed yet.
    pub(crate) commit_waiting: u64,
}

impl Db {
    /// Whether the schema is the expected one and the database accepts writes: the check behind `/readyz`.
    /// The result may be one second old. Takes a few seconds at most.
    pub(crate) async fn check(&self) -> Result<(), ProbeFailure> {
        let (reader, writer) = (self.clone(), self.clone());
        let read = async move { reader.read(|uow| migrate::check(uow.conn())).await };
        let write = async move { writer.write(|uow| write_probe(uow.conn())).await };
        self.0.readiness.check(read, write).await
    }

    /// The same check, and what is known besides.
    pub(crate) async fn health(&self) -> DbHealth {
        let probe = self.check().await;
        let (connection_waiting, commit_waiting) = self.0.load.waiting();
        DbHealth {
            probe,
            probes_fail_for: self.0.readiness.fails_for(),
            reads_fail_for: self.0.reads.lasts_for(),
            writes_fail_for: self.0.writes.lasts_for(),
            last_commit: self.0.load.since_last_commit(),
            connection_waiting,
            commit_waiting,
        }
    }
}
