//! Users, keys and databases for unit tests.

#[allow(unreachable_pub, dead_code, reason = "the harness of the integration tests offers it, too")]
#[path = "../../tests/integration/support/keys.rs"]
mod keys;

pub(crate) use keys::TestKey;

use std::sync::Arc;

use super::Invalidations;
use crate::clock::{Clock, Timestamp};
use crate::db::{Db, DbConfig, Target};
use crate::domain::users::{Plan, Role, User};
use crate::ids::UserId;

/// A user who is in no database.
pub(crate) fn somebody(now: Timestamp) -> User {
    User {
        id: UserId::new(now),
        email: "ana@example.com".into(),
        issuer: None,
        clerk_id: None,
        display_name: "Ana".into(),
        role: Role::Consumer,
        plan: Plan::Free,
        is_active: true,
        token_epoch: Timestamp::EPOCH,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// A SQLite database in a temporary folder.
pub(crate) struct TestDatabase {
    pub(crate) db: Db,
    _folder: tempfile::TempDir,
}

/// A fresh database, whose units of work read this clock.
pub(crate) fn database(clock: &Clock) -> TestDatabase {
    following_database(clock, &Invalidations::default())
}

/// The same; what is committed is noted in `invalidations`.
pub(crate) fn following_database(clock: &Clock, invalidations: &Invalidations) -> TestDatabase {
    let folder = tempfile::tempdir().unwrap();
    let config = DbConfig::new(Target::Sqlite(folder.path().join("souk.db")));
    let db = Db::open(&config, clock.clone(), invalidations.before(Arc::new(()))).unwrap();
    TestDatabase { db, _folder: folder }
}
