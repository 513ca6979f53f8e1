//! Running units of work as jobs, retrying lost races, and committing a job on PostgreSQL: one transaction per job,
//! on as many threads as the pool has connections. On SQLite `group` commits many jobs at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::events::{Committed, Publisher};
use crate::ids::NodeId;

use super::audit_log::{self, NewAudit};
use super::refusals::RefusalThrottle;
use super::{DbConnection, DbError, Failure, UnitOfWork};

/// How often a unit of work that lost a race is run in total.
pub(super) const ATTEMPTS: u32 = 4;

/// Outcome of running a job.
pub(super) enum JobOutcome {
    /// Keep it, and announce this after the commit.
    Keep(Committed, Vec<NewAudit>),
    /// Roll it back, but write these audit rows, as far as the [`RefusalThrottle`] keeps them.
    Discard(Vec<NewAudit>),
    /// Roll it back and retry: it lost a race.
    Again,
}

/// A queued unit of work: can be run several times, is answered once.
pub(super) trait Job: Send {
    /// Runs it in the open transaction. A panic of the unit of work is caught, and discards it.
    fn run(&mut self, connection: &mut DbConnection, clock: &Clock, last_attempt: bool) -> JobOutcome;
    /// Sends the caller its result; `Err` if the commit failed, which overrides a success.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

pub(super) struct UseCase<F, T, E> {
    pub(super) body: F,
    pub(super) outcome: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
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

/// How a job's transaction begins on PostgreSQL. The savepoint is what detects a swallowed error there, where `COMMIT`
/// of a failed transaction reports success.
pub(super) const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SAVEPOINT job";

/// What jobs are committed with.
pub(super) struct Surroundings<'a> {
    pub(super) clock: &'a Clock,
    pub(super) publisher: &'a dyn Publisher,
    pub(super) refusals: &'a RefusalThrottle,
}

/// Runs and commits one job on a PostgreSQL connection on which [`BEGIN_ALONE`] was executed. `Err` means
/// that the connection is in an unknown state.
pub(super) fn commit_alone(
    mut job: Box<dyn Job>,
    connection: &mut DbConnection,
    with: &Surroundings<'_>,
) -> Result<(), DbError> {
    let mut attempt = 1;
    let result = loop {
        let tried = attempt_alone(job.as_mut(), connection, with, attempt >= ATTEMPTS);
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
                with.publisher.publish(committed);
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
pub(super) fn reason(error: DbError) -> String {
    match error {
        DbError::Unavailable(why) => why,
        error => error.to_string(),
    }
}

/// Rolls back whatever transaction is open. Fails only if the connection is unusable.
pub(super) fn roll_back(connection: &mut DbConnection) -> Result<(), DbError> {
    connection.control("ROLLBACK").map_err(|lost| DbError::Unavailable(lost.to_string()))
}

enum Alone {
    Done(Committed),
    Again,
}

fn attempt_alone(
    job: &mut dyn Job,
    connection: &mut DbConnection,
    with: &Surroundings<'_>,
    last_attempt: bool,
) -> Result<Alone, DbError> {
    let ran = catch_unwind(AssertUnwindSafe(|| job.run(connection, with.clock, last_attempt)))
        .map_err(|_| DbError::Unavailable("the unit of work panicked".into()))?;
    let (undo, committed, rows) = match ran {
        JobOutcome::Keep(committed, rows) => ("", committed, rows),
        JobOutcome::Discard(rows) => {
            ("ROLLBACK TO SAVEPOINT job; ", Committed::default(), with.refusals.keep(rows))
        }
        JobOutcome::Again => return Ok(Alone::Again),
    };
    // One round trip, unless rows come before the `COMMIT`. `RELEASE` fails in a transaction that an error has
    // aborted, of which `COMMIT` alone would report success.
    let mut end = format!("{undo}RELEASE SAVEPOINT job; ");
    if !rows.is_empty() {
        connection.execute_batch(&end)?;
        let now = with.clock.now();
        rows.iter().try_for_each(|row| audit_log::append(connection, now, row))?;
        end.clear();
    }
    end.push_str("COMMIT");
    if let Err(error) = connection.execute_batch(&end).map_err(DbError::from) {
        // The `COMMIT` or its reply was lost: it may have been committed.
        if matches!(error, DbError::Unavailable(_)) {
            with.publisher.publish_if_committed(committed);
        }
        return Err(error);
    }
    Ok(Alone::Done(committed))
}
