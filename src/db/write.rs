//! Running units of work as jobs, retrying lost races, and the two ways of committing jobs.
//!
//! - SQLite: one writer thread. The jobs queued during a commit form the next group: one transaction, each
//!   job in its own savepoint, one fsync for all; each job is answered only after that.
//! - PostgreSQL: one transaction per job, on as many threads as the pool has connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::events::{Committed, Publisher};
use crate::ids::NodeId;

use super::audit_log::{self, NewAudit};
use super::connection::Manager;
use super::refusals::RefusalThrottle;
use super::wal::Wal;
use super::{DbConnection, DbError, Failure, UnitOfWork};

/// How often a unit of work that lost a race is run in total.
const ATTEMPTS: u32 = 4;

/// Outcome of a job in its savepoint.
pub(super) enum JobOutcome {
    /// Keep it, and announce this after the commit.
    Keep(Committed, Vec<NewAudit>),
    /// Roll it back, but write these audit rows.
    Discard(Vec<NewAudit>),
    /// Roll it back and retry: it lost a race.
    Again,
}

/// A queued unit of work: can be run several times, is answered once.
pub(super) trait Job: Send {
    fn run(&mut self, connection: &mut DbConnection, clock: &Clock, last_attempt: bool) -> JobOutcome;
    /// Sends the caller its result; `Err` if the commit failed, which overrides a success.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

pub(super) struct UseCase<F, T, E> {
    pub(super) body: F,
    pub(super) outcome: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
    pub(super) refusals: Arc<RefusalThrottle>,
    /// The process that others hear of the commit from; `None` if there are none to tell.
    pub(super) node: Option<NodeId>,
}

impl<F, T, E> Job for UseCase<F, T, E>
where
    F: Fn(&mut UnitOfWork<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Failure,
{
    fn run(&mut self, connection: &mut DbConnection, clock: &Clock, last_attempt: bool) -> JobOutcome {
        let (body, node) = (&self.body, self.node);
        // A panic is this job's failure alone: it is rolled back like any other, and what is committed with it stays.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut uow = UnitOfWork::begin(connection, clock.now(), node);
            match body(&mut uow) {
                Ok(value) => match uow.finish() {
                    Ok((committed, rows)) => (Ok(value), JobOutcome::Keep(committed, rows)),
                    Err(error) => (Err(E::from(error)), JobOutcome::Discard(Vec::new())),
                },
                Err(error) => (Err(error), JobOutcome::Discard(uow.abandon())),
            }
        }));
        let (outcome, ran) = ran.unwrap_or_else(|_| {
            let panicked = DbError::Unavailable("the unit of work panicked".into());
            (Err(E::from(panicked)), JobOutcome::Discard(Vec::new()))
        });
        let lost_a_race = outcome.as_ref().err().and_then(E::database).is_some_and(DbError::is_transient);
        self.outcome = Some(outcome);
        match ran {
            _ if lost_a_race && !last_attempt => JobOutcome::Again,
            JobOutcome::Discard(rows) => JobOutcome::Discard(self.refusals.keep(rows)),
            ran => ran,
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        let outcome = match (committed, self.outcome) {
            (Err(error), _) => Err(E::from(error)),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(E::from(DbError::Unavailable("the unit of work did not run".into()))),
        };
        // The receiver is gone if the caller was cancelled; a commit stays committed.
        let _ = self.reply.send(outcome);
    }
}

/// Runs one job in a savepoint of `connection`'s open transaction.
///
/// The savepoint is what detects a swallowed error on PostgreSQL, where `COMMIT` of a failed transaction
/// reports success.
fn run_in_savepoint(
    job: &mut dyn Job,
    connection: &mut DbConnection,
    clock: &Clock,
) -> Result<JobOutcome, DbError> {
    for attempt in 1..=ATTEMPTS {
        connection.execute_batch("SAVEPOINT job")?;
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(connection, clock, attempt == ATTEMPTS)))
            .map_err(|_| DbError::Unavailable("the unit of work panicked".into()))?;
        match ran {
            JobOutcome::Keep(..) => {
                connection.execute_batch("RELEASE SAVEPOINT job")?;
                return Ok(ran);
            }
            JobOutcome::Discard(_) | JobOutcome::Again => {
                connection.execute_batch("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?
            }
        }
        match ran {
            // On PostgreSQL a lost race aborts the whole transaction; the caller begins a new one.
            JobOutcome::Again if !connection.is_postgres() => {}
            ran => return Ok(ran),
        }
    }
    Ok(JobOutcome::Discard(Vec::new()))
}

/// The writer of a SQLite file.
#[derive(Clone)]
pub(super) struct GroupWriter {
    queue: SyncSender<Box<dyn Job>>,
}

impl GroupWriter {
    /// Starts the writer thread. It ends when the last handle is dropped, after committing all queued jobs,
    /// and returns its connection.
    pub(super) fn start(
        connection: DbConnection,
        manager: Manager,
        max_group: usize,
        max_waiting: usize,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
        wal: Wal,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<DbConnection>)> {
        let (queue, jobs) = sync_channel(max_waiting);
        let writer = Writer { connection, manager, max_group, clock, publisher, wal };
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
    connection: DbConnection,
    manager: Manager,
    max_group: usize,
    clock: Clock,
    publisher: Arc<dyn Publisher>,
    wal: Wal,
}

impl Writer {
    fn work(mut self, jobs: &Receiver<Box<dyn Job>>) -> DbConnection {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            group.extend(jobs.try_iter().take(self.max_group.saturating_sub(1)));
            self.commit(group);
            self.wal.bound(&mut self.connection);
        }
        self.connection
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        match self.run_group(&mut group) {
            Ok(announcements) => {
                for committed in announcements {
                    outlive("publishing a commit", || self.publisher.publish(committed));
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

    fn run_group(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<Committed>, DbError> {
        self.begin()?;
        let mut announcements = Vec::new();
        for job in group {
            let rows = match run_in_savepoint(job.as_mut(), &mut self.connection, &self.clock)? {
                JobOutcome::Keep(committed, rows) => {
                    if !committed.is_empty() {
                        announcements.push(committed);
                    }
                    rows
                }
                JobOutcome::Discard(rows) => rows,
                JobOutcome::Again => Vec::new(),
            };
            let now = self.clock.now();
            rows.iter().try_for_each(|row| audit_log::append(&mut self.connection, now, row))?;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(announcements)
    }

    /// Retries, because another process (`souk token`, a backup) may hold the file for longer than the busy
    /// timeout.
    fn begin(&mut self) -> Result<(), DbError> {
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            last = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(DbError::from);
            if !matches!(last, Err(DbError::Contended(_))) {
                break;
            }
        }
        last
    }

    /// After a failed commit the old connection is in an unknown state; closing it ends its
    /// transaction.
    fn reconnect(&mut self) {
        match self.manager.establish() {
            Ok(connection) => self.connection = connection,
            Err(error) => {
                log::debug!("the writer cannot open the database again: {error}");
                let _ = self.connection.execute_batch("ROLLBACK");
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

/// How a job's transaction begins on PostgreSQL.
pub(super) const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SAVEPOINT job";

/// Runs and commits one job on a PostgreSQL connection on which [`BEGIN_ALONE`] was executed. `Err` means
/// that the connection is in an unknown state.
pub(super) fn commit_alone(
    mut job: Box<dyn Job>,
    connection: &mut DbConnection,
    clock: &Clock,
    publisher: &dyn Publisher,
) -> Result<(), DbError> {
    let mut attempt = 1;
    let result = loop {
        let tried = attempt_alone(job.as_mut(), connection, clock, publisher, attempt >= ATTEMPTS);
        let again = match &tried {
            Ok(Alone::Again) => true,
            Err(error) => error.is_transient(),
            Ok(Alone::Done(_)) => false,
        };
        if !again || attempt >= ATTEMPTS {
            break tried;
        }
        if let Err(lost) = roll_back(connection) {
            break Err(lost);
        }
        // Different delays, so that two units in conflict do not meet again.
        std::thread::sleep(Duration::from_millis(u64::from(attempt) * 3));
        attempt += 1;
        if let Err(lost) = connection.execute_batch(BEGIN_ALONE) {
            break Err(DbError::Unavailable(lost.to_string()));
        }
    };
    let error = match result {
        Ok(Alone::Done(committed)) => {
            if !committed.is_empty() {
                publisher.publish(committed);
            }
            job.answer(Ok(()));
            return Ok(());
        }
        Ok(Alone::Again) => DbError::Contended("gave up".into()),
        Err(error) => error,
    };
    match roll_back(connection) {
        Ok(()) => {
            job.answer(Err(error));
            Ok(())
        }
        // Whatever the error seemed to be: the connection is lost.
        Err(lost) => {
            job.answer(Err(DbError::Unavailable(reason(error))));
            Err(lost)
        }
    }
}

/// The cause, for an error that itself says that the database is unavailable.
fn reason(error: DbError) -> String {
    match error {
        DbError::Unavailable(why) => why,
        error => error.to_string(),
    }
}

/// Rolls back whatever transaction is open. Fails only if the connection is unusable.
pub(super) fn roll_back(connection: &mut DbConnection) -> Result<(), DbError> {
    connection.execute_batch("ROLLBACK").map_err(|lost| DbError::Unavailable(lost.to_string()))
}

enum Alone {
    Done(Committed),
    Again,
}

fn attempt_alone(
    job: &mut dyn Job,
    connection: &mut DbConnection,
    clock: &Clock,
    publisher: &dyn Publisher,
    last_attempt: bool,
) -> Result<Alone, DbError> {
    let ran = catch_unwind(AssertUnwindSafe(|| job.run(connection, clock, last_attempt)))
        .map_err(|_| DbError::Unavailable("the unit of work panicked".into()))?;
    let (committed, rows) = match ran {
        JobOutcome::Keep(committed, rows) => {
            connection.execute_batch("RELEASE SAVEPOINT job")?;
            (committed, rows)
        }
        JobOutcome::Discard(rows) => {
            connection.execute_batch("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?;
            (Committed::default(), rows)
        }
        JobOutcome::Again => return Ok(Alone::Again),
    };
    let now = clock.now();
    rows.iter().try_for_each(|row| audit_log::append(connection, now, row))?;
    if let Err(error) = connection.execute_batch("COMMIT").map_err(DbError::from) {
        // The `COMMIT` or its reply was lost: it may have been committed.
        if matches!(error, DbError::Unavailable(_)) {
            publisher.publish_if_committed(committed);
        }
        return Err(error);
    }
    Ok(Alone::Done(committed))
}
