//! Work on a migrated database while nobody else of this process uses it: before it is served, or instead.
//! Synchronous, one transaction after the other.

use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::sql_types::Integer;

use crate::clock::Clock;

use super::write::roll_back;
use super::{DbConnection, DbError, Failure, UnitOfWork, audit_log};

/// The database, for work that precedes serving. On SQLite its process lock is held meanwhile.
pub(crate) struct Maintenance<'c> {
    connection: &'c mut DbConnection,
    clock: &'c Clock,
}

/// `PRAGMA user_version` of a SQLite file in which no freed page holds text that an older version wrote.
const IS_CLEAN: i32 = 1;

#[derive(QueryableByName)]
struct UserVersion {
    #[diesel(sql_type = Integer)]
    user_version: i32,
}

impl<'c> Maintenance<'c> {
    pub(super) fn new(connection: &'c mut DbConnection, clock: &'c Clock) -> Self {
        Self { connection, clock }
    }

    /// Runs `body` as one transaction, durable on return. It must record no events: there is nobody to hear
    /// them.
    pub(crate) fn transaction<T, E: Failure>(
        &mut self,
        body: impl FnOnce(&mut UnitOfWork<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = if self.connection.is_postgres() {
            "BEGIN ISOLATION LEVEL READ COMMITTED"
        } else {
            "BEGIN IMMEDIATE"
        };
        self.execute(begin)?;
        let now = self.clock.now();
        let mut uow = UnitOfWork::begin(self.connection, now, None);
        let ran = match body(&mut uow) {
            Ok(value) => uow.finish().map(|(_, rows)| (value, rows)).map_err(E::from),
            Err(error) => Err(error),
        };
        let committed = ran.and_then(|(value, rows)| {
            rows.iter().try_for_each(|row| audit_log::append(self.connection, now, row))?;
            self.execute("COMMIT")?;
            Ok(value)
        });
        if committed.is_err() {
            // The error that is returned says more than a rollback that fails as well.
            let _ = roll_back(self.connection);
        }
        committed
    }

    /// SQLite: whether the file may still hold, in freed pages or in its write-ahead log, rows that were
    /// changed or deleted before `secure_delete` was on. Never on PostgreSQL, whose files are its own matter.
    pub(crate) fn has_old_pages(&mut self) -> Result<bool, DbError> {
        if self.connection.is_postgres() {
            return Ok(false);
        }
        let found: UserVersion = diesel::sql_query("PRAGMA user_version").get_result(self.connection)?;
        Ok(found.user_version < IS_CLEAN)
    }

    /// SQLite: writes the file anew without freed pages, and empties the write-ahead log. Afterwards
    /// [`Maintenance::has_old_pages`] is false; a crash in between leaves it true.
    pub(crate) fn drop_old_pages(&mut self) -> Result<(), DbError> {
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
        self.execute("VACUUM")?;
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
        self.execute(&format!("PRAGMA user_version = {IS_CLEAN}"))
    }

    fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.connection.execute_batch(sql)?)
    }
}
