//! The database: one connection type for two engines, units of work, and the writer that commits them.
//!
//! Nothing here knows what the rows mean. Use cases get a [`UnitOfWork`] through [`Db::read`] or
//! [`Db::write`] and never begin, commit or roll back a transaction themselves.

mod append;
mod backup;
mod backup_record;
mod config;
mod connection;
mod error;
pub(crate) mod audit_log;
pub(crate) mod claims;
pub mod event_log;
mod group;
mod health;
mod load;
mod lock;
mod maintenance;
mod migrate;
pub(crate) mod node_liveness;
mod one_of;
mod open;
mod outage;
mod pool;
pub(crate) mod presence;
mod readiness;
mod refusals;
mod restore;
pub mod schema;
#[cfg(test)]
mod tests;
mod tail;
mod text_enum;
mod unit_of_work;
pub(crate) mod verify;
mod wal;
mod watch;
mod write;

pub(crate) use backup::BackupError;
pub(crate) use backup_record::LastBackup;
pub(crate) use config::PostgresTimeouts;
pub use config::{DbConfig, Target};
pub use connection::DbConnection;
pub(crate) use connection::each;
pub use error::DbError;
pub(crate) use error::{Constraint, Failure};
pub(crate) use health::DbHealth;
pub(crate) use lock::LockError;
pub(crate) use maintenance::Maintenance;
pub(crate) use migrate::{Migration, MigrationError, SchemaAge, list as migrations};
pub(crate) use one_of::one_of;
pub use open::Db;
pub(crate) use open::OpenError;
pub use presence::MemberElsewhere;
pub(crate) use readiness::{ProbeFailure, ProbeStep};
pub(crate) use restore::{Existing, Restore, RestoreError, Restored};
pub(crate) use tail::{Commit, Head, PresenceElsewhere, Tail, TailError, commits_after, forget_commits};
pub(crate) use text_enum::text_enum;
pub use unit_of_work::UnitOfWork;
