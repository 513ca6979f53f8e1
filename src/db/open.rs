//! Opening the database, and the two ways in: [`Db::read`] and [`Db::write`].

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use r2d2::{ManageConnection, Pool};
use tokio::sync::{Semaphore, oneshot};

use crate::clock::Clock;
use crate::events::{Publisher, audit};

use super::connection::{Access, Manager, Target};
use super::write::{GroupWriter, Job, UseCase, commit_alone};
use super::{DbConnection, DbError, Failure, MigrationError, UnitOfWork, migrate};

/// How to open the database.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// Where the data lives.
    pub target: Target,
    /// Connections for reading (SQLite), or for everything (PostgreSQL).
    pub connections: u32,
    /// How long a caller waits for a free connection.
    pub wait: Duration,
    /// SQLite: how long to wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// SQLite: most writes committed as one group.
    pub max_group: usize,
    /// Most units of work that may wait; more are refused as overload.
    pub max_waiting: usize,
}

impl DbConfig {
    /// The defaults, for a target.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            connections: 8,
            wait: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            max_group: 256,
            max_waiting: 4096,
        }
    }
}

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No connection could be made.
    #[error("cannot open the database {target}: {cause}")]
    Connect {
        /// Which database, without its password.
        target: Target,
        /// What the engine said.
        cause: String,
    },
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The writer's thread could not be started.
    #[error("cannot start the writer: {0}")]
    Writer(#[from] std::io::Error),
}

/// The database: cheap to clone, shared by everything that reads or writes.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool<Manager>,
    /// As many permits as connections: callers wait here, not on a thread.
    permits: Arc<Semaphore>,
    waiting: Semaphore,
    wait: Duration,
    clock: Clock,
    publisher: Arc<dyn Publisher>,
    writer: Mutex<Option<(GroupWriter, JoinHandle<()>)>>,
}

impl Db {
    /// Opens the database and brings its schema up to date. Blocks; called once, at start.
    pub fn open(config: &DbConfig, clock: Clock, publisher: Arc<dyn Publisher>) -> Result<Db, OpenError> {
        let manager =
            |access| Manager { target: config.target.clone(), access, busy_timeout: config.busy_timeout };
        let refused = |cause: String| OpenError::Connect { target: config.target.clone(), cause };
        let writer_manager = manager(Access::Write);
        let mut first = writer_manager.connect().map_err(|e| refused(e.to_string()))?;
        migrate::run(&mut first)?;
        let writer = match config.target {
            Target::Postgres(_) => None,
            Target::Sqlite(_) => Some(GroupWriter::start(
                first,
                writer_manager,
                config.max_group,
                config.max_waiting,
                clock.clone(),
                publisher.clone(),
            )?),
        };
        let access = if writer.is_some() { Access::Read } else { Access::Write };
        let pool = Pool::builder()
            .max_size(config.connections)
            .min_idle(Some(1))
            .connection_timeout(config.wait)
            .test_on_check_out(false)
            .error_handler(Box::new(r2d2::LoggingErrorHandler))
            .build(manager(access))
            .map_err(|e| refused(e.to_string()))?;
        let connections = usize::try_from(config.connections).unwrap_or(usize::MAX);
        Ok(Db(Arc::new(Inner {
            pool,
            permits: Arc::new(Semaphore::new(connections)),
            waiting: Semaphore::new(config.max_waiting),
            wait: config.wait,
            clock,
            publisher,
            writer: Mutex::new(writer),
        })))
    }

    /// Brings the schema up to date and says how many migrations ran, without serving anything (`souk migrate`).
    pub fn migrate(config: &DbConfig) -> Result<usize, OpenError> {
        let manager = Manager {
            target: config.target.clone(),
            access: Access::Write,
            busy_timeout: config.busy_timeout,
        };
        let mut connection = manager
            .connect()
            .map_err(|e| OpenError::Connect { target: config.target.clone(), cause: e.to_string() })?;
        Ok(migrate::run(&mut connection)?)
    }

    /// Runs a use case that only reads, on one consistent snapshot, off the event loop.
    ///
    /// Audit rows of refusals and admin passings are written before the result is given.
    pub async fn read<T, E>(
        &self,
        body: impl FnOnce(&mut UnitOfWork<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let now = self.0.clock.now();
        let (outcome, rows) = self
            .with_connection(move |connection, _| {
                let begin = match connection {
                    DbConnection::Postgresql(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                    DbConnection::Sqlite(_) => "BEGIN",
                };
                connection.execute_batch(begin)?;
                let mut uow = UnitOfWork::begin(connection, now, false);
                let outcome = body(&mut uow);
                let rows = uow.abandon();
                connection.execute_batch("ROLLBACK")?;
                Ok((outcome, rows))
            })
            .await?;
        if !rows.is_empty() {
            self.write(move |uow| rows.iter().try_for_each(|row| audit::append(uow.conn(), now, row)))
                .await?;
        }
        outcome
    }

    /// Runs a use case as one transaction and answers once it is durable.
    ///
    /// The body may run more than once (a lost race), hence `Fn`: it must have no effect but on its unit of work.
    pub async fn write<T, E>(
        &self,
        body: impl Fn(&mut UnitOfWork<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(UseCase { body, outcome: None, reply });
        match self.writer()? {
            Some(writer) => writer.submit(job)?,
            None => {
                let _place = self.0.waiting.try_acquire().map_err(|_| DbError::Overloaded)?;
                self.with_connection(move |connection, db| {
                    commit_alone(job, connection, &db.clock, &*db.publisher)
                })
                .await?;
            }
        }
        match answer.await {
            Ok(outcome) => outcome,
            Err(_) => Err(DbError::Unavailable("the writer has stopped".into()).into()),
        }
    }

    /// Whether the database answers and no migration is missing: what `/readyz` asks.
    pub async fn check(&self) -> Result<(), DbError> {
        self.with_connection(|connection, _| match migrate::is_pending(connection) {
            Ok(false) => Ok(()),
            Ok(true) => Err(DbError::Unavailable("a migration is missing".into())),
            Err(error) => Err(DbError::Unavailable(error.to_string())),
        })
        .await
    }

    /// Commits what waits and refuses what comes later. Blocks until the last write is durable.
    pub fn close(&self) {
        self.0.permits.close();
        let writer = self.0.writer.lock().ok().and_then(|mut w| w.take());
        if let Some((queue, thread)) = writer {
            drop(queue);
            if thread.join().is_err() {
                log::error!("the writer's thread panicked");
            }
        }
    }

    fn writer(&self) -> Result<Option<GroupWriter>, DbError> {
        if self.0.permits.is_closed() {
            return Err(DbError::Unavailable("stopping".into()));
        }
        let writer = self.0.writer.lock().map_err(|_| DbError::Unavailable("the writer is lost".into()))?;
        Ok(writer.as_ref().map(|(writer, _)| writer.clone()))
    }

    /// Runs `work` with a connection of the pool on a thread that may block. A connection on which it failed in a way
    /// that leaves its transaction unknown is rolled back, and dropped if even that fails.
    async fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut DbConnection, &Inner) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let permit = tokio::time::timeout(self.0.wait, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| DbError::Overloaded)?
            .map_err(|_| DbError::Unavailable("stopping".into()))?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the caller: one that goes away does not free a place that is still in use.
            let _permit = permit;
            let mut lease = inner.pool.get().map_err(|e| DbError::Unavailable(e.to_string()))?;
            let done = work(&mut lease, &inner);
            if done.is_err() {
                // Fails harmlessly where no transaction is open.
                let _ = lease.execute_batch("ROLLBACK");
            }
            done
        })
        .await;
        done.map_err(|_| DbError::Unavailable("the unit of work panicked".into()))?
    }
}
