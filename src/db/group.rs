//! Committing units of work on SQLite: one writer thread. The jobs queued during a commit form the next group: one
//! transaction, one fsync for all; each job is answered only after that, and one that fails is rolled back alone.
//!
//! A savepoint around each job would copy every page that the job changes, for the sake of jobs that fail after they
//! have begun to write. So a group runs without savepoints first. If a job of it must be undone, the group is
//! rolled back and run again with them, and so are the next groups, since failures come together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::clock::Clock;
use crate::events::{Committed, Publisher};

use super::audit_log::{self, NewAudit};
use super::connection::Manager;
use super::load::Load;
use super::refusals::RefusalThrottle;
use super::wal::Wal;
use super::write::{ATTEMPTS, Job, JobOutcome, reason};
use super::{DbConnection, DbError};

/// Groups that are run with savepoints after one in which a job failed.
const GUARDED_GROUPS: u32 = 16;

/// The writer of a SQLite file.
#[derive(Clone)]
pub(super) struct GroupWriter {
    queue: SyncSender<Box<dyn Job>>,
}

/// What the writer's thread works with.
pub(super) struct WriterParts {
    pub(super) connection: DbConnection,
    /// Opens the connection again after a failed commit.
    pub(super) manager: Manager,
    /// Maximum number of jobs in a group.
    pub(super) max_group: usize,
    pub(super) clock: Clock,
    pub(super) publisher: Arc<dyn Publisher>,
    pub(super) refusals: Arc<RefusalThrottle>,
    pub(super) load: Arc<Load>,
    pub(super) wal: Wal,
}

impl GroupWriter {
    /// Starts the writer thread, for which at most `max_waiting` jobs may wait. It ends when the last handle is
    /// dropped, after committing all queued jobs, and returns its connection.
    pub(super) fn start(
        parts: WriterParts,
        max_waiting: usize,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<DbConnection>)> {
        let (queue, jobs) = sync_channel(max_waiting);
        let writer = Writer { parts, guarded: 0 };
        let thread =
            std::thread::Builder::new().name("souk-writer".into()).spawn(move || writer.work(&jobs))?;
        Ok((Self { queue }, thread))
    }

    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => DbError::Overloaded,
            TrySendError::Disconnected(_) => DbError::Unavailable("the writer has stopped".into()),
        })
    }
}

struct Writer {
    parts: WriterParts,
    /// Groups that still are to be run with savepoints.
    guarded: u32,
}

/// What the jobs of a group leave behind.
#[derive(Default)]
struct Group {
    /// To announce after the commit, as one: a commit is one hop to the hub, however many jobs it has.
    committed: Committed,
    audit: Vec<NewAudit>,
}

impl Group {
    fn add(&mut self, committed: Committed, audit: Vec<NewAudit>) {
        self.committed.events.extend(committed.events);
        self.committed.revocations.extend(committed.revocations);
        self.audit.extend(audit);
    }
}

impl Writer {
    fn work(mut self, jobs: &Receiver<Box<dyn Job>>) -> DbConnection {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            group.extend(jobs.try_iter().take(self.parts.max_group.saturating_sub(1)));
            self.commit(group);
            self.parts.wal.bound(&mut self.parts.connection);
        }
        self.parts.connection
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        match self.run(&mut group) {
            Ok(committed) => {
                self.parts.load.committed(group.len());
                if !committed.is_empty() {
                    outlive("publishing a commit", || self.parts.publisher.publish(committed));
                }
                group.into_iter().for_each(|job| outlive("answering a write", || job.answer(Ok(()))));
            }
            Err(error) => {
                // Only debug: the callers get the error, and the outage log reports it once.
                log::debug!("a group of {} writes was not committed: {error}", group.len());
                self.reconnect();
                let why = reason(error);
                for job in group {
                    let error = DbError::Unavailable(why.clone());
                    outlive("answering a write", || job.answer(Err(error)));
                }
            }
        }
    }

    fn run(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Committed, DbError> {
        if self.guarded == 0 {
            if let Some(committed) = self.run_together(jobs)? {
                return Ok(committed);
            }
            self.guarded = GUARDED_GROUPS;
        }
        self.guarded -= 1;
        self.run_apart(jobs)
    }

    /// Runs and commits the jobs without savepoints; `None` if one of them must be undone, and with it all were.
    fn run_together(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Option<Committed>, DbError> {
        self.begin()?;
        let mut group = Group::default();
        for job in jobs {
            match self.attempt(job.as_mut(), false)? {
                JobOutcome::Keep(committed, audit) => group.add(committed, audit),
                JobOutcome::Discard(_) | JobOutcome::Again => {
                    // Some errors have ended the transaction already. Whatever is open still fails the next `BEGIN`.
                    let _ = self.parts.connection.control("ROLLBACK");
                    return Ok(None);
                }
            }
        }
        self.end(group).map(Some)
    }

    /// Runs and commits the jobs, each in a savepoint.
    fn run_apart(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Committed, DbError> {
        self.begin()?;
        let mut group = Group::default();
        for job in jobs {
            match self.run_in_savepoint(job.as_mut())? {
                JobOutcome::Keep(committed, audit) => group.add(committed, audit),
                JobOutcome::Discard(audit) => group.audit.extend(self.parts.refusals.keep(audit)),
                JobOutcome::Again => {}
            }
        }
        self.end(group)
    }

    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<JobOutcome, DbError> {
        for attempt in 1..=ATTEMPTS {
            self.parts.connection.control("SAVEPOINT job")?;
            let ran = self.attempt(job, attempt == ATTEMPTS)?;
            if !matches!(ran, JobOutcome::Keep(..)) {
                self.parts.connection.control("ROLLBACK TO SAVEPOINT job")?;
            }
            self.parts.connection.control("RELEASE SAVEPOINT job")?;
            if !matches!(ran, JobOutcome::Again) {
                return Ok(ran);
            }
        }
        Ok(JobOutcome::Discard(Vec::new()))
    }

    fn attempt(&mut self, job: &mut dyn Job, last: bool) -> Result<JobOutcome, DbError> {
        let WriterParts { connection, clock, .. } = &mut self.parts;
        catch_unwind(AssertUnwindSafe(|| job.run(connection, clock, last)))
            .map_err(|_| DbError::Unavailable("the unit of work panicked".into()))
    }

    /// Retries, because another process (`souk token`, a backup) may hold the file for longer than the busy
    /// timeout.
    fn begin(&mut self) -> Result<(), DbError> {
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            last = self.parts.connection.control("BEGIN IMMEDIATE").map_err(DbError::from);
            if !matches!(last, Err(DbError::Contended(_))) {
                break;
            }
        }
        last
    }

    fn end(&mut self, group: Group) -> Result<Committed, DbError> {
        let WriterParts { connection, clock, .. } = &mut self.parts;
        let now = clock.now();
        group.audit.iter().try_for_each(|row| audit_log::append(connection, now, row))?;
        connection.control("COMMIT")?;
        Ok(group.committed)
    }

    /// After a failed commit the old connection is in an unknown state; closing it ends its
    /// transaction.
    fn reconnect(&mut self) {
        match self.parts.manager.establish() {
            Ok(connection) => self.parts.connection = connection,
            Err(error) => {
                log::debug!("the writer cannot open the database again: {error}");
                let _ = self.parts.connection.control("ROLLBACK");
            }
        }
    }
}

/// Runs what must not end the writer's thread, without which nothing is written any more. Sessions that miss an event
/// by this read it from the log at the next one.
fn outlive(what: &str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        log::error!("{what} panicked");
    }
}
