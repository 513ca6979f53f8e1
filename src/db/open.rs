//! Opening and closing the database, and its two entry points, [`Db::read`] and [`Db::write`]. Retrying and
//! grouping writes is `write`'s.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use r2d2::{Pool, PooledConnection};
use tokio::sync::{Semaphore, oneshot};

use crate::clock::Clock;
use crate::events::Publisher;

use super::config::{DbConfig, Target};
use super::connection::{Access, Manager};
use super::lock::FileLock;
use super::maintenance::Maintenance;
use super::outage::Outage;
use super::readiness::{Readiness, write_probe};
use super::refusals::RefusalThrottle;
use super::write::{BEGIN_ALONE, GroupWriter, Job, UseCase, commit_alone, roll_back};
use super::{
    BackupError, DbConnection, DbError, Failure, LockError, MigrationError, UnitOfWork, audit_log, backup,
    migrate,
};

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Connecting failed.
    #[error("cannot open the database {target}: {cause}")]
    Connect {
        /// Which database; displayed without its password.
        target: Target,
        /// The engine's error.
        cause: String,
    },
    /// Another process serves the SQLite file.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The schema could not be migrated.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The writer thread could not be started.
    #[error("cannot start the writer: {0}")]
    Writer(#[from] std::io::Error),
}

/// The pool backs off between attempts to connect, up to half of this.
const RETRY_WITHIN: Duration = Duration::from_secs(1);

/// How often a caller waiting for a connection checks whether connecting works at all; if not, it fails at
/// once.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An idle connection is closed after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A connection is replaced after this time, which bounds what a PostgreSQL backend accumulates.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// Handle to the database: cheap to clone, shared by all readers and writers.
#[derive(Clone)]
pub struct Db(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pool: Pool<Manager>,
    /// Whether the pool's last attempt to connect failed.
    is_away: Arc<AtomicBool>,
    is_postgres: bool,
    connections: u32,
    /// One permit per connection: callers wait here asynchronously instead of blocking a thread.
    permits: Arc<Semaphore>,
    waiting: Semaphore,
    wait: Duration,
    clock: Clock,
    publisher: Arc<dyn Publisher>,
    writer: Mutex<Option<(GroupWriter, JoinHandle<DbConnection>)>>,
    refusals: Arc<RefusalThrottle>,
    reads: Outage,
    writes: Outage,
    pub(super) readiness: Arc<Readiness>,
    /// Held while a server uses a SQLite file.
    lock: Mutex<Option<FileLock>>,
}

impl Db {
    /// Opens the database for a server and applies pending migrations. Takes the process lock of a SQLite
    /// file, so that a second server is refused. Blocking; called once, at start.
    pub fn open(config: &DbConfig, clock: Clock, publisher: Arc<dyn Publisher>) -> Result<Db, OpenError> {
        Self::open_after(config, clock, publisher, |_| Ok(())).map(|(db, ())| db)
    }

    /// Like [`Db::open`], after `work` on the migrated database, which nobody reads or writes meanwhile
    /// (on PostgreSQL: nobody in this process).
    pub(crate) fn open_after<T, E: From<OpenError>>(
        config: &DbConfig,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
        work: impl FnOnce(&mut Maintenance<'_>) -> Result<T, E>,
    ) -> Result<(Db, T), E> {
        let lock = FileLock::take(&config.target).map_err(OpenError::from)?;
        let mut first = establish(config)?;
        migrate::run(&mut first).map_err(OpenError::from)?;
        let done = work(&mut Maintenance::new(&mut first, &clock))?;
        let db = Self::start(config, first, lock, clock, publisher)?;
        Ok((db, done))
    }

    /// Runs `work` on the migrated database without serving it. A SQLite file that a server has is refused.
    pub(crate) fn maintain<T, E: From<OpenError>>(
        config: &DbConfig,
        clock: &Clock,
        work: impl FnOnce(&mut Maintenance<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = FileLock::take(&config.target).map_err(OpenError::from)?;
        let mut connection = establish(config)?;
        migrate::run(&mut connection).map_err(OpenError::from)?;
        let done = work(&mut Maintenance::new(&mut connection, clock));
        if lock.is_some() {
            settle(connection);
        }
        done
    }

    /// Opens the database for a command that may run beside a server, without the process lock. The server
    /// finds its writes by polling.
    pub fn open_beside(
        config: &DbConfig,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Db, OpenError> {
        let mut first = establish(config)?;
        migrate_unless_served(&mut first, config)?;
        Self::start(config, first, None, clock, publisher)
    }

    fn start(
        config: &DbConfig,
        first: DbConnection,
        lock: Option<FileLock>,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Db, OpenError> {
        let writer = match config.target {
            Target::Postgres(_) => None,
            Target::Sqlite(_) => Some(GroupWriter::start(
                first,
                Manager::new(config, Access::Write),
                config.max_group,
                config.max_waiting,
                clock.clone(),
                publisher.clone(),
            )?),
        };
        let access = if writer.is_some() { Access::Read } else { Access::Write };
        let manager = Manager::new(config, access);
        let is_away = manager.is_away.clone();
        let pool = Pool::builder()
            .max_size(config.connections)
            // Connect on demand only: eager replacement would open connections while `close` drops the
            // others.
            .min_idle(Some(0))
            .connection_timeout(RETRY_WITHIN)
            .idle_timeout(Some(IDLE_TIMEOUT))
            .max_lifetime(Some(MAX_AGE))
            .test_on_check_out(false)
            // The caller that needed the connection logs the failure.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        let connections = usize::try_from(config.connections).unwrap_or(usize::MAX);
        Ok(Db(Arc::new(Inner {
            pool,
            is_away,
            is_postgres: matches!(config.target, Target::Postgres(_)),
            connections: config.connections,
            permits: Arc::new(Semaphore::new(connections)),
            waiting: Semaphore::new(config.max_waiting),
            wait: config.wait,
            refusals: Arc::new(RefusalThrottle::new(clock.clone())),
            clock,
            publisher,
            writer: Mutex::new(writer),
            reads: Outage::new("reads of the database", log::Level::Error),
            writes: Outage::new("writes to the database", log::Level::Error),
            readiness: Arc::new(Readiness::new()),
            lock: Mutex::new(lock),
        })))
    }

    /// Applies pending migrations and returns their number, without serving (`souk migrate`).
    pub fn migrate(config: &DbConfig) -> Result<usize, OpenError> {
        migrate_unless_served(&mut establish(config)?, config)
    }

    /// Whether several servers may share the database: PostgreSQL. A SQLite file has one server.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.is_postgres
    }

    /// Copies a SQLite database to a new file, also while a server uses it (`souk backup`).
    pub(crate) fn back_up(config: &DbConfig, to: &Path) -> Result<(), BackupError> {
        backup::copy(config, to)
    }

    /// Whether the schema is the expected one and the database accepts writes: the check behind `/readyz`.
    /// The result may be one second old.
    pub(crate) async fn check(&self) -> Result<(), DbError> {
        let db = self.clone();
        let probe = async move {
            db.read(|uow| migrate::check(uow.conn())).await?;
            db.write(|uow| write_probe(uow.conn())).await
        };
        self.0.readiness.check(probe).await
    }

    /// Runs a read-only use case on one consistent snapshot, off the event loop.
    ///
    /// Audit rows (refusals, admin access) are written before the result is returned.
    pub async fn read<T, E>(
        &self,
        body: impl FnOnce(&mut UnitOfWork<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let now = self.0.clock.now();
        let begin = match self.0.is_postgres {
            true => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            false => "BEGIN",
        };
        let ran = self
            .with_connection(begin, move |connection, _| {
                let mut uow = UnitOfWork::begin(connection, now, false);
                let outcome = body(&mut uow);
                let rows = uow.abandon();
                roll_back(connection)?;
                Ok((outcome, rows))
            })
            .await;
        let (outcome, rows) = ran.inspect_err(|error| self.note(&self.0.reads, Some(error)))?;
        self.note(&self.0.reads, outcome.as_ref().err().and_then(E::database));
        let rows = self.0.refusals.keep(rows);
        if !rows.is_empty() {
            self.write(move |uow| rows.iter().try_for_each(|row| audit_log::append(uow.conn(), now, row)))
                .await?;
        }
        outcome
    }

    /// Runs a use case as one transaction and returns once it is durable.
    ///
    /// The body may run more than once (after a lost race), hence `Fn`: its only effects must be on its unit
    /// of work.
    pub async fn write<T, E>(
        &self,
        body: impl Fn(&mut UnitOfWork<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (reply, answer) = oneshot::channel();
        let refusals = Arc::clone(&self.0.refusals);
        let submitted = self.submit(Box::new(UseCase { body, outcome: None, reply, refusals })).await;
        let outcome = match (answer.await, submitted) {
            (Ok(outcome), _) => outcome,
            (Err(_), Err(error)) => Err(E::from(error)),
            (Err(_), Ok(())) => Err(E::from(DbError::Unavailable("the writer has stopped".into()))),
        };
        self.note(&self.0.writes, outcome.as_ref().err().and_then(E::database));
        outcome
    }

    async fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        if let Some(writer) = self.writer()? {
            return writer.submit(job);
        }
        let _place = self.0.waiting.try_acquire().map_err(|_| DbError::Overloaded)?;
        self.with_connection(BEGIN_ALONE, move |connection, db| {
            commit_alone(job, connection, &db.clock, &*db.publisher)
        })
        .await
    }

    /// Tells the outage log whether a unit of work met a failing database.
    fn note(&self, outage: &Outage, error: Option<&DbError>) {
        match error {
            Some(DbError::Unavailable(why)) if !self.0.permits.is_closed() => outage.failed(why),
            Some(_) => {}
            None => outage.succeeded(),
        }
    }

    /// Commits queued writes and refuses new ones; returns once the last write is durable and all connections
    /// are closed. A SQLite database is then complete in its one file.
    pub async fn close(&self) {
        // Holding every permit means that no reader is active.
        let reads = tokio::time::timeout(self.0.wait, self.0.permits.acquire_many(self.0.connections)).await;
        self.0.permits.close();
        drop(reads);
        let db = self.0.clone();
        if tokio::task::spawn_blocking(move || db.close_connections()).await.is_err() {
            log::error!("the database was not closed in order");
        }
    }

    fn writer(&self) -> Result<Option<GroupWriter>, DbError> {
        if self.0.permits.is_closed() {
            return Err(DbError::Unavailable("stopping".into()));
        }
        let writer = self.0.writer.lock().map_err(|_| DbError::Unavailable("the writer is lost".into()))?;
        Ok(writer.as_ref().map(|(writer, _)| writer.clone()))
    }

    /// Runs `work` on a blocking thread with a pooled connection on which `begin` was executed. On failure or
    /// panic the connection is dropped, and any open transaction with it.
    async fn with_connection<T: Send + 'static>(
        &self,
        begin: &'static str,
        work: impl FnOnce(&mut DbConnection, &Inner) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let permit = tokio::time::timeout(self.0.wait, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| DbError::Overloaded)?
            .map_err(|_| DbError::Unavailable("stopping".into()))?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread, not the caller: a cancelled caller must not free a connection that is still
            // in use.
            let _permit = permit;
            let mut lease = inner.lease(begin)?;
            let done = work(&mut lease.connection, &inner)?;
            lease.is_unsettled = false;
            Ok(done)
        })
        .await;
        done.map_err(|_| DbError::Unavailable("the unit of work panicked".into()))?
    }
}

impl Inner {
    /// A connection with an open transaction. `begin` reveals a lost server; all connections that were idle
    /// then are broken alike and are dropped until a newer one works.
    fn lease(&self, begin: &str) -> Result<PooledConnection<Manager>, DbError> {
        let unavailable = |error: &dyn std::fmt::Display| DbError::Unavailable(error.to_string());
        let until = Instant::now() + self.wait;
        let mut replaced = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut lease = match self.pool.get_timeout(left.min(LOOK_EVERY)) {
                Ok(lease) => lease,
                Err(error) if left.is_zero() || self.is_away.load(Ordering::Relaxed) => {
                    return Err(unavailable(&error));
                }
                Err(_) => continue,
            };
            lease.is_unsettled = true;
            match lease.connection.execute_batch(begin) {
                Ok(()) => return Ok(lease),
                Err(error) if replaced == self.connections => return Err(unavailable(&error)),
                Err(error) => log::debug!("a connection is replaced: {error}"),
            }
            replaced += 1;
        }
    }

    fn close_connections(&self) {
        while let Some(mut idle) = self.pool.try_get() {
            idle.is_unsettled = true;
        }
        // Released last: until then the file is ours.
        let lock = self.lock.lock().ok().and_then(|mut lock| lock.take());
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some((queue, thread)) = writer {
            drop(queue);
            match thread.join() {
                Ok(connection) if lock.is_some() => settle(connection),
                // Opened by a command: a server may be using the file and checkpoints it itself.
                Ok(connection) => drop(connection),
                Err(_) => log::error!("the writer's thread panicked"),
            }
        }
    }
}

/// Checkpoints the WAL into the SQLite file; closing the last connection then deletes the WAL.
fn settle(mut connection: DbConnection) {
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        log::warn!(
            "some of the database stays in the -wal file beside it, where the next start finds it: {error}"
        );
    }
}

fn establish(config: &DbConfig) -> Result<DbConnection, OpenError> {
    Manager::new(config, Access::Write)
        .establish()
        .map_err(|error| OpenError::Connect { target: config.target.clone(), cause: error.to_string() })
}

/// Applies pending migrations, unless a server holds the SQLite file: its schema must not change under it.
fn migrate_unless_served(connection: &mut DbConnection, config: &DbConfig) -> Result<usize, OpenError> {
    if !migrate::is_pending(connection)? {
        return Ok(0);
    }
    let _lock = FileLock::take(&config.target)?;
    Ok(migrate::run(connection)?)
}
