//! Opening and closing the database, and its two entry points, [`Db::read`] and [`Db::write`]. Retrying and
//! grouping writes is `write`'s.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::Connection as _;
use tokio::sync::{Semaphore, oneshot};

use crate::clock::{Clock, Timestamp};
use crate::events::Publisher;
use crate::ids::NodeId;

use super::backup_record::{self, BackedUp, BackupRecords};
use super::config::{DbConfig, Target};
use super::connection::{Access, Manager, sets_variable};
use super::group::{GroupWriter, WriterParts};
use super::load::Load;
use super::lock::FileLock;
use super::maintenance::Maintenance;
use super::outage::Outage;
use super::pool::{Pool, Pooled};
use super::readiness::Readiness;
use super::refusals::RefusalThrottle;
use super::verify::{self, Checked, InspectError, Verification};
use super::wal::{ReadGate, Wal};
use super::watch::{ANSWER_MARGIN, Progress, until_stalled};
use super::write::{BEGIN_ALONE, Job, Surroundings, UseCase, commit_alone, roll_back};
use super::{
    BackupError, DbConnection, DbError, Failure, LastBackup, LockError, MigrationError, Restore,
    RestoreError, Restored, UnitOfWork, audit_log, backup, migrate, restore,
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

/// For each connection, threads that may be given up because the database does not answer them. Beyond that they
/// keep their place, so that callers are refused instead of ever more threads being lost.
const GIVEN_UP_PER_CONNECTION: usize = 4;

/// What a process does with the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Serves it; on SQLite at most one.
    Server,
    /// Runs a command, possibly beside servers.
    Command,
}

/// Handle to the database: cheap to clone, shared by all readers and writers.
#[derive(Clone)]
pub struct Db(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pool: Pool,
    is_postgres: bool,
    /// This process, as other processes on the database know it.
    node: NodeId,
    /// Whether other processes must hear of commits: on PostgreSQL other nodes, on SQLite the server, of which
    /// there is at most one, of what a command commits.
    tells_others: bool,
    connections: u32,
    /// One permit per connection: callers wait here asynchronously instead of blocking a thread.
    permits: Arc<Semaphore>,
    /// Permits for which those of threads that were given up are exchanged.
    given_up: Arc<Semaphore>,
    /// After how long without an answer a thread is given up; `None` if nothing bounds a statement.
    silence: Option<Duration>,
    waiting: Semaphore,
    wait: Duration,
    clock: Clock,
    publisher: Arc<dyn Publisher>,
    writer: Mutex<Option<(GroupWriter, JoinHandle<DbConnection>)>>,
    /// Holds reads back while the write-ahead log is emptied.
    gate: Arc<ReadGate>,
    pub(super) load: Arc<Load>,
    backups: Arc<BackupRecords>,
    refusals: Arc<RefusalThrottle>,
    pub(super) reads: Outage,
    pub(super) writes: Outage,
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
        let db = Self::start(config, first, lock, Role::Server, clock, publisher)?;
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
        Self::start(config, first, None, Role::Command, clock, publisher)
    }

    fn start(
        config: &DbConfig,
        first: DbConnection,
        lock: Option<FileLock>,
        role: Role,
        clock: Clock,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Db, OpenError> {
        let (gate, load) = (Arc::new(ReadGate::default()), Arc::<Load>::default());
        let refusals = Arc::new(RefusalThrottle::new(clock.clone()));
        let writer = match &config.target {
            Target::Postgres(_) => None,
            Target::Sqlite(file) => {
                let parts = WriterParts {
                    connection: first,
                    manager: Manager::new(config, Access::Write),
                    max_group: config.max_group,
                    clock: clock.clone(),
                    publisher: publisher.clone(),
                    refusals: refusals.clone(),
                    load: load.clone(),
                    wal: Wal::new(config, file, clock.clone(), gate.clone()),
                };
                Some(GroupWriter::start(parts, config.max_waiting)?)
            }
        };
        let access = if writer.is_some() { Access::Read } else { Access::Write };
        let connections = usize::try_from(config.connections).unwrap_or(usize::MAX);
        Ok(Db(Arc::new(Inner {
            pool: Pool::new(Manager::new(config, access)),
            is_postgres: matches!(config.target, Target::Postgres(_)),
            node: NodeId::new(clock.now()),
            tells_others: role == Role::Command || matches!(config.target, Target::Postgres(_)),
            connections: config.connections,
            permits: Arc::new(Semaphore::new(connections)),
            given_up: Arc::new(Semaphore::new(connections.saturating_mul(GIVEN_UP_PER_CONNECTION))),
            silence: silence(config),
            waiting: Semaphore::new(config.max_waiting),
            wait: config.wait,
            refusals,
            clock,
            publisher,
            writer: Mutex::new(writer),
            gate,
            load,
            backups: Arc::new(BackupRecords::of(&config.target)),
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

    /// Copies a SQLite database to a new file, also while a server uses it, and records that (`souk backup`).
    pub(crate) fn back_up(config: &DbConfig, to: &Path, now: Timestamp) -> Result<BackedUp, BackupError> {
        backup::copy(config, to)?;
        Ok(BackedUp { recorded: backup_record::record(&config.target, to, now) })
    }

    /// Puts a backup in the place of a SQLite database that no server uses (`souk restore`).
    pub(crate) fn restore(config: &DbConfig, asked: Restore<'_>) -> Result<Restored, RestoreError> {
        restore::restore(config, asked)
    }

    /// Verifies a database on one read-only snapshot, also while a server uses it (`souk verify`).
    pub(crate) fn verify(
        config: &DbConfig,
        clock: &Clock,
        report: &mut dyn FnMut(Checked),
        invariants: impl FnOnce(&mut Verification<'_, '_>) -> Result<(), DbError>,
    ) -> Result<(), InspectError> {
        verify::run(config, clock, report, invariants)
    }

    /// What is known of the last backup. Reads a small file, and therefore blocks for a moment.
    pub(crate) fn last_backup(&self) -> LastBackup {
        self.0.backups.last()
    }

    /// Registers the metrics of the database: its load, and on SQLite its write-ahead log.
    pub(crate) fn register_metrics(&self, registry: &prometheus::Registry) -> prometheus::Result<()> {
        self.0.load.register_metrics(registry)?;
        if self.0.is_postgres {
            return Ok(());
        }
        backup_record::register_metrics(self.0.backups.clone(), registry)?;
        self.0.gate.register_metrics(registry)
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
                let mut uow = UnitOfWork::begin_reading(connection, now);
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
        let (reply, mut answer) = oneshot::channel();
        let node = self.0.tells_others.then_some(self.0.node);
        let job = Box::new(UseCase { body, outcome: None, reply, node });
        let waiting = self.0.load.wait_for_commit();
        let outcome = match self.submit(job).await {
            Ok(()) => answer
                .await
                .unwrap_or_else(|_| Err(E::from(DbError::Unavailable("the writer has stopped".into())))),
            // It was answered before the connection turned out to be lost, or never will be.
            Err(error) => answer.try_recv().unwrap_or_else(|_| Err(E::from(error))),
        };
        drop(waiting);
        self.note(&self.0.writes, outcome.as_ref().err().and_then(E::database));
        outcome
    }

    /// This process, as other processes on the database know it.
    pub(crate) fn node(&self) -> NodeId {
        self.0.node
    }

    async fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        if let Some(writer) = self.writer()? {
            return writer.submit(job);
        }
        let _place = self.0.waiting.try_acquire().map_err(|_| DbError::Overloaded)?;
        self.with_connection(BEGIN_ALONE, move |connection, db| {
            let with = Surroundings { clock: &db.clock, publisher: &*db.publisher, refusals: &db.refusals };
            commit_alone(job, connection, &with).inspect(|()| db.load.committed(1))
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
    /// panic the connection is dropped, and any open transaction with it. A thread that PostgreSQL leaves without an
    /// answer is given up.
    async fn with_connection<T: Send + 'static>(
        &self,
        begin: &'static str,
        work: impl FnOnce(&mut DbConnection, &Inner) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let waiting = self.0.load.wait_for_connection();
        let permit = tokio::time::timeout(self.0.wait, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| DbError::Overloaded)?
            .map_err(|_| DbError::Unavailable("stopping".into()))?;
        drop(waiting);
        // Held by the thread, not the caller: a cancelled caller must not free a connection that is still in use.
        let permit = Arc::new(Mutex::new(permit));
        let progress = Progress::default();
        let (inner, held, steps) = (self.0.clone(), permit.clone(), progress.clone());
        let running = tokio::task::spawn_blocking(move || {
            let _held = held;
            let _reading = inner.gate.enter();
            let mut pooled = inner.lease(begin, &steps)?;
            let done = work(&mut pooled.connection, &inner)?;
            inner.pool.put(pooled);
            Ok(done)
        });
        let panicked = |_| DbError::Unavailable("the unit of work panicked".into());
        let Some(limit) = self.0.silence else { return running.await.map_err(panicked)? };
        let inner = self.0.clone();
        // A task of its own, for the same reason.
        let watched = tokio::spawn(async move {
            if let Some(done) = until_stalled(running, &progress, limit).await {
                return done.map_err(panicked)?;
            }
            if let Ok(other) = inner.given_up.clone().try_acquire_owned() {
                *permit.lock().unwrap_or_else(PoisonError::into_inner) = other;
            }
            // The others are silent as well.
            inner.pool.clear();
            Err(DbError::Unavailable(format!("no answer within {limit:?}")))
        });
        watched.await.map_err(panicked)?
    }
}

/// How long PostgreSQL can be silent without being lost. What the URL says about statements is not known here.
fn silence(config: &DbConfig) -> Option<Duration> {
    match &config.target {
        Target::Postgres(url) if !sets_variable(url, "statement_timeout") => {
            Some(config.postgres.statement + ANSWER_MARGIN)
        }
        Target::Postgres(_) | Target::Sqlite(_) => None,
    }
}

impl Inner {
    /// A connection with an open transaction. `begin` reveals a lost server; all connections that were idle
    /// then are broken alike and are dropped until a newer one works.
    fn lease(&self, begin: &'static str, progress: &Progress) -> Result<Pooled, DbError> {
        let unavailable = |error: &dyn std::fmt::Display| DbError::Unavailable(error.to_string());
        while let Some(mut pooled) = self.pool.take() {
            pooled.connection.set_instrumentation(progress.clone());
            match pooled.connection.control(begin) {
                Ok(()) => return Ok(pooled),
                Err(error) => log::debug!("a connection is replaced: {error}"),
            }
        }
        let mut pooled = self.pool.connect().map_err(|error| unavailable(&error))?;
        progress.advance();
        pooled.connection.set_instrumentation(progress.clone());
        pooled.connection.control(begin).map_err(|error| unavailable(&error))?;
        Ok(pooled)
    }

    fn close_connections(&self) {
        self.pool.clear();
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
    Manager::new(config, Access::Maintain)
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
