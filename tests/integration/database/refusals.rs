//! What PostgreSQL refuses, ends or loses is known for what it is, in whatever language the server speaks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{Connection, PgConnection};
use souk::clock::Clock;
use souk::config::Settings;
use souk::db::{Db, DbError, UnitOfWork};
use souk::server::db_config;

use crate::support::{JOURNAL_KEY, JWT_SECRET, german_postgres, own_postgres};

fn open(url: &str) -> Db {
    let flags = ["--database-url", url, "--jwt-secret", JWT_SECRET, "--journal-key", JOURNAL_KEY];
    let short = ["--database-statement-timeout=2s", "--database-lock-timeout=300ms"];
    let settings = Settings::given(flags.iter().chain(&short).copied()).unwrap();
    let config = db_config(&settings.into_config().unwrap().database);
    Db::open_beside(&config, Clock::system(), Arc::new(())).unwrap()
}

fn execute(uow: &mut UnitOfWork<'_>, sql: &str) -> Result<(), DbError> {
    diesel::sql_query(sql).execute(uow.conn())?;
    Ok(())
}

async fn write(db: &Db, sql: &'static str) -> Result<(), DbError> {
    db.write(move |uow| execute(uow, sql)).await
}

/// Two units that lock two things in opposite orders; returns how often they ran.
async fn run_into_a_deadlock(db: &Db) -> usize {
    let (runs, both) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
    let unit = |first: u8, second: u8| {
        let (runs, both) = (runs.clone(), both.clone());
        db.write(move |uow| {
            execute(uow, &format!("SELECT pg_advisory_xact_lock({first})"))?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                both.wait();
            }
            // The server looks for deadlocks after a second.
            execute(uow, "SET LOCAL lock_timeout = 0")?;
            execute(uow, &format!("SELECT pg_advisory_xact_lock({second})"))
        })
    };
    let (one, other) = tokio::join!(unit(1, 2), unit(2, 1));
    one.unwrap();
    other.unwrap();
    runs.load(Ordering::SeqCst)
}

async fn check(url: &str) {
    let db = open(url);
    assert_eq!(run_into_a_deadlock(&db).await, 3, "who lost runs again");

    let mut holder = PgConnection::establish(url).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE audit IN ACCESS EXCLUSIVE MODE").unwrap();
    for refused in ["LOCK TABLE audit", "LOCK TABLE audit NOWAIT", "SELECT pg_sleep(20)"] {
        let refused_with = write(&db, refused).await;
        assert!(matches!(refused_with, Err(DbError::TimedOut(_))), "{refused}: {refused_with:?}");
    }
    holder.batch_execute("ROLLBACK").unwrap();
    write(&db, "LOCK TABLE audit").await.unwrap();

    let lost = write(&db, "SELECT pg_terminate_backend(pg_backend_pid())").await;
    assert!(matches!(lost, Err(DbError::Unavailable(_))), "{lost:?}");
    let serialization = write(&db, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$").await;
    assert!(matches!(serialization, Err(DbError::Contended(_))), "{serialization:?}");
    db.close().await;
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn what_the_server_ends_is_known_for_what_it_is() {
    let Some(postgres) = own_postgres() else { return };
    run(check(&postgres.url()));
}

#[test]
fn what_a_server_with_other_messages_ends_is_known_as_well() {
    let Some(postgres) = german_postgres() else { return };
    let mut plain = PgConnection::establish(&postgres.url()).unwrap();
    let error = plain.batch_execute("SELECT 1 / 0").unwrap_err().to_string();
    assert_eq!(error, "Division durch Null", "the premise: it speaks German");
    run(check(&postgres.url()));
}
