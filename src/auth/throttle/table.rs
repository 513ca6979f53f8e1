//! Counts in tables that all nodes share, by a keyed hash of what is counted by.
//!
//! A unit of work first locks its keys, in one order for all, with advisory locks: a key without a row could not
//! be locked otherwise. Then it reads, reckons as in memory, and writes. An attempt that is being verified has
//! a row per key; should its node die, the rows count for [`LEASE`] and no longer.
//!
//! Each row of a failure has cost a password hash or a registration. So their number is bounded by how many
//! hashes the nodes compute until a budget is full again; then the sweeper deletes the row.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::auth::expired::{self, Expiring};
use crate::auth::keyed_hash::KeyedHash;
use crate::clock::{Clock, Timestamp};
use crate::db::schema::{failed_logins, login_attempts};
use crate::db::{Db, DbConnection, DbError, Failure, UnitOfWork, each, one_of};
use crate::ids::AttemptId;
use crate::limits::{Bucket, Quota};

use super::Throttled;
use super::budget::Budget;

/// How long an attempt holds its places at most. Verifying takes as long as the queue for password hashes,
/// which is seconds.
const LEASE: Duration = Duration::from_secs(30);

/// How long an attempt waits for others at most. It matters only where a node has died and its places are taken.
const WAIT: Duration = Duration::from_secs(20);

/// How long a lock is waited for. Locks are held for milliseconds, but by a node that hangs for longer.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// How many units of work of this node may wait for locks at once: each has a connection that others need.
const WRITERS: usize = 4;

/// Budgets that are full again.
const FAILED: Expiring = Expiring { table: "failed_logins", id: "key", until: "full_at" };

/// Attempts whose node has died.
const LOST: Expiring = Expiring { table: "login_attempts", id: "id", until: "expires_at" };

/// How often a waiting attempt looks whether attempts on other nodes have ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Failed attempts, and those that are being verified.
pub(super) struct Table {
    db: Db,
    keyed: KeyedHash,
    clock: Clock,
    /// Notified whenever an attempt of this node was verified or abandoned.
    finished: Notify,
    /// Held by the one attempt of this node that looks again and again; others wait in line for it, so that
    /// many that wait cost the database no more than one.
    line: Mutex<()>,
    writers: Semaphore,
}

/// A budget, by its row.
#[derive(Debug, Clone)]
struct Counter {
    key: String,
    /// What locks the key. Two keys that share it, which is unlikely, wait for each other and no more.
    lock: i64,
    quota: Quota,
}

impl Table {
    pub(super) fn new(db: Db, keyed: KeyedHash, clock: Clock) -> Self {
        Self {
            db,
            keyed,
            clock,
            finished: Notify::new(),
            line: Mutex::default(),
            writers: Semaphore::new(WRITERS),
        }
    }

    /// Counts a failure at once, if the budget allows it.
    pub(super) async fn take(&self, budget: &Budget) -> Result<(), Throttled> {
        let counters = [self.counter(budget)];
        self.write(move |uow| {
            lock(uow, &counters)?;
            let now = uow.now();
            for (counter, mut bucket) in failed(uow, &counters)? {
                bucket.take(counter.quota, now)?;
                store(uow, counter, bucket)?;
            }
            Ok(())
        })
        .await
    }

    /// Whether the budget has something left.
    pub(super) async fn look(&self, budget: &Budget) -> Result<(), Throttled> {
        let counters = [self.counter(budget)];
        self.db.read(move |uow| remaining(uow, &counters).map(drop)).await
    }

    /// Begins an attempt; waits where others must be verified first.
    pub(super) async fn begin(self: &Arc<Self>, budgets: &[Budget]) -> Result<Attempt, Throttled> {
        let counters: Vec<_> = budgets.iter().map(|budget| self.counter(budget)).collect();
        let begun = async {
            if let Some(attempt) = self.try_begin(&counters).await? {
                return Ok(attempt);
            }
            let _turn = self.line.lock().await;
            loop {
                let finished = self.finished.notified();
                tokio::pin!(finished);
                // Enabled before the check, so that no outcome between the check and the wait is missed.
                finished.as_mut().enable();
                if let Some(attempt) = self.try_begin(&counters).await? {
                    return Ok(attempt);
                }
                // What ends on another node is not notified here; this looks again either way.
                let _ = timeout(LOOK_EVERY, finished).await;
            }
        };
        timeout(WAIT, begun).await.unwrap_or(Err(DbError::Overloaded.into()))
    }

    /// The attempt, if it has begun; `None` where others must be verified first.
    ///
    /// In a task of its own: if the caller goes away meanwhile, the attempt is dropped where it ends, and holds
    /// no place that nobody knows of.
    async fn try_begin(self: &Arc<Self>, counters: &[Counter]) -> Result<Option<Attempt>, Throttled> {
        let (table, counters) = (self.clone(), counters.to_vec());
        let id = AttemptId::new(self.clock.now());
        let beginning = tokio::spawn(async move {
            let wanted = counters.clone();
            let has_begun = table.write(move |uow| hold(uow, id, &wanted)).await?;
            Ok(has_begun.then(|| Attempt { table, held: Some(Held { id, counters }) }))
        });
        ended(beginning).await
    }

    /// Deletes up to `batch` rows of each kind that mean nothing any more; returns the number.
    pub(super) async fn delete_expired(&self, batch: i64) -> Result<usize, DbError> {
        let delete = move |uow: &mut UnitOfWork<'_>| {
            Ok(expired::delete(uow, &FAILED, batch)? + expired::delete(uow, &LOST, batch)?)
        };
        self.db.write(delete).await
    }

    /// Runs what locks keys.
    async fn write<T: Send + 'static, E: Failure>(
        &self,
        body: impl Fn(&mut UnitOfWork<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let _writer = self.writers.acquire().await;
        self.db.write(body).await
    }

    fn counter(&self, budget: &Budget) -> Counter {
        use std::fmt::Write as _;
        let tag = self.keyed.of(&budget.key.bytes());
        let key = tag.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let lock = tag.as_ref().first_chunk().copied().map_or(0, i64::from_be_bytes);
        Counter { key, lock, quota: budget.quota }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Table")
    }
}

/// An attempt that is being verified; its places are free soon after it is dropped.
#[derive(Debug)]
pub(crate) struct Attempt {
    table: Arc<Table>,
    /// `None` once it has ended.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    id: AttemptId,
    counters: Vec<Counter>,
}

impl Attempt {
    /// Counts it as failed, also if the caller goes away meanwhile.
    pub(super) async fn wrong(mut self) -> Result<(), DbError> {
        let Some(Held { id, counters }) = self.held.take() else { return Ok(()) };
        let table = self.table.clone();
        let counting = tokio::spawn(async move {
            let counted = table.write(move |uow| {
                lock(uow, &counters)?;
                let now = uow.now();
                for (counter, mut bucket) in failed(uow, &counters)? {
                    bucket.charge(counter.quota, now);
                    store(uow, counter, bucket)?;
                }
                release(uow, id, &counters)
            });
            let counted = counted.await;
            table.finished.notify_waiters();
            counted
        });
        ended(counting).await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(Held { id, counters }) = self.held.take() else { return };
        // Without a runtime, the process is ending: the places are free when their lease is over.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let table = self.table.clone();
        runtime.spawn(async move {
            if let Err(error) = table.db.write(move |uow| release(uow, id, &counters)).await {
                log::debug!("an attempt to log in holds its places until its lease is over: {error}");
            }
            table.finished.notify_waiters();
        });
    }
}

/// The outcome of a task.
async fn ended<T, E: From<DbError>>(task: JoinHandle<Result<T, E>>) -> Result<T, E> {
    task.await.unwrap_or_else(|_| Err(DbError::Unavailable("counting a login was cut off".into()).into()))
}

/// Locks keys until the end of the transaction. On SQLite nobody else writes.
fn lock(uow: &mut UnitOfWork<'_>, counters: &[Counter]) -> Result<(), DbError> {
    let DbConnection::Postgresql(connection) = uow.conn() else { return Ok(()) };
    let mut locks: Vec<i64> = counters.iter().map(|counter| counter.lock).collect();
    locks.sort_unstable();
    diesel::sql_query(LOCK_TIMEOUT).execute(connection)?;
    for lock in locks {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(lock).execute(connection)?;
    }
    Ok(())
}

/// How much each key has used of its budget by failures.
fn failed<'c>(
    uow: &mut UnitOfWork<'_>,
    counters: &'c [Counter],
) -> Result<Vec<(&'c Counter, Bucket)>, DbError> {
    let keys = counters.iter().map(|counter| &counter.key);
    let rows: Vec<(String, Timestamp)> = failed_logins::table
        .filter(one_of(failed_logins::key, keys))
        .select((failed_logins::key, failed_logins::full_at))
        .load(uow.conn())?;
    let rows: HashMap<String, Timestamp> = rows.into_iter().collect();
    let bucket = |key: &String| rows.get(key).copied().map(Bucket::even_at).unwrap_or_default();
    Ok(counters.iter().map(|counter| (counter, bucket(&counter.key))).collect())
}

/// How many further failures each budget allows.
fn remaining(uow: &mut UnitOfWork<'_>, counters: &[Counter]) -> Result<Vec<u32>, Throttled> {
    let now = uow.now();
    let failed = failed(uow, counters)?;
    failed.into_iter().map(|(counter, bucket)| Ok(bucket.look(counter.quota, now)?.remaining)).collect()
}

/// Takes a place in every budget; `false` where others must be verified first.
fn hold(uow: &mut UnitOfWork<'_>, id: AttemptId, counters: &[Counter]) -> Result<bool, Throttled> {
    // Who is refused, as most are while somebody guesses, waits for nobody's lock: failures only become more.
    remaining(uow, counters)?;
    lock(uow, counters)?;
    let left = remaining(uow, counters)?;
    let now = uow.now();
    let keys = counters.iter().map(|counter| &counter.key);
    let in_progress: Vec<String> = login_attempts::table
        .filter(one_of(login_attempts::key, keys).and(login_attempts::expires_at.gt(now)))
        .select(login_attempts::key)
        .load(uow.conn())
        .map_err(DbError::from)?;
    let has_place = |(counter, left): (&Counter, u32)| {
        let taken = in_progress.iter().filter(|key| **key == counter.key).count();
        u32::try_from(taken).is_ok_and(|taken| taken < left)
    };
    let is_free = counters.iter().zip(left).all(has_place);
    if is_free {
        let until = now.plus(LEASE);
        let row = |counter: &Counter| {
            (
                login_attempts::key.eq(counter.key.clone()),
                login_attempts::id.eq(id),
                login_attempts::expires_at.eq(until),
            )
        };
        let rows: Vec<_> = counters.iter().map(row).collect();
        each!(uow.conn(), |c| diesel::insert_into(login_attempts::table).values(rows).execute(c))
            .map_err(DbError::from)?;
    }
    Ok(is_free)
}

/// Gives the places of an attempt back.
fn release(uow: &mut UnitOfWork<'_>, id: AttemptId, counters: &[Counter]) -> Result<(), DbError> {
    let keys = counters.iter().map(|counter| &counter.key);
    let held = login_attempts::table.filter(one_of(login_attempts::key, keys).and(login_attempts::id.eq(id)));
    diesel::delete(held).execute(uow.conn())?;
    Ok(())
}

fn store(uow: &mut UnitOfWork<'_>, counter: &Counter, bucket: Bucket) -> Result<(), DbError> {
    let (key, full_at) = (failed_logins::key.eq(&counter.key), failed_logins::full_at.eq(bucket.even()));
    each!(uow.conn(), |c| diesel::insert_into(failed_logins::table)
        .values((key, full_at))
        .on_conflict(failed_logins::key)
        .do_update()
        .set(full_at)
        .execute(c))?;
    Ok(())
}
