//! Migrations beside servers of the release before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use souk::db::{Db, DbConfig, Target};

use crate::support::Engine;

/// Longer than a migration waits for a lock at once.
const HELD: Duration = Duration::from_secs(4);

#[test]
fn a_migration_that_finds_a_table_locked_lets_others_pass_and_tries_again() {
    let Some(database) = Engine::Postgres.database() else { return };
    let url = database.url();
    let mut holder = PgConnection::establish(&url).unwrap();
    let undo =
        include_str!("../../../migrations/postgres/2026-11-30-000100_settle_cancelled_bookings/down.sql");
    holder.batch_execute(undo).unwrap();
    holder.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261130000100'").unwrap();

    holder.batch_execute("BEGIN; LOCK TABLE offers IN SHARE MODE").unwrap();
    let config = DbConfig::new(Target::Postgres(url.clone()));
    let config = Arc::new(config);
    let migrating = std::thread::spawn({
        let config = config.clone();
        move || Db::migrate(&config)
    });
    let began = Instant::now();
    let mut other = PgConnection::establish(&url).unwrap();
    let mut slowest = Duration::ZERO;
    while began.elapsed() < HELD {
        let asked = Instant::now();
        other.batch_execute("SELECT count(*) FROM offers").unwrap();
        slowest = slowest.max(asked.elapsed());
        assert!(!migrating.is_finished(), "the premise: it needs the lock");
        std::thread::sleep(Duration::from_millis(50));
    }
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(migrating.join().unwrap().unwrap(), 1);
    assert!(slowest < HELD, "{slowest:?}");
    assert_eq!(Db::migrate(&config).unwrap(), 0);
}
