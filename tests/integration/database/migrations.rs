//! Migrations beside servers of the release before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::Value;
use souk::db::{Db, DbConfig, DbError, Target};

use crate::both_engines;
use crate::support::{Engine, id};

/// Longer than a migration waits for a lock at once.
const HELD: Duration = Duration::from_secs(4);

#[test]
fn a_migration_that_finds_a_table_locked_lets_others_pass_and_tries_again() {
    let Some(database) = Engine::Postgres.database() else { return };
    let url = database.url();
    let mut holder = PgConnection::establish(&url).unwrap();
    // As before the migration, which makes these.
    let undo = "DROP INDEX offers_user_status; DROP INDEX requests_user_status; DROP INDEX users_active";
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

both_engines! {
    async fn what_a_cancelled_booking_used_to_leave_is_settled(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (cancelled, kept) = (app.booking(&ana, &ben).await, {
            let request = app.request(&ana).await;
            let offer = app.offer_at(&ben, &request, 200).await;
            app.accept(&ana, &offer).await
        });
        let path = format!("/bookings/{}", id(&cancelled));
        ben.post(&format!("{path}/start"), Value::Null).await.ok();
        ana.post(&format!("{path}/cancel"), Value::Null).await.ok();
        let field = |booking: &Value, name: &str| booking[name].as_str().unwrap().to_owned();
        let settle = include_str!("../../../migrations/sqlite/2026-11-30-000100_settle_cancelled_bookings/up.sql");
        let settle = settle.split("CREATE INDEX").next().unwrap();
        let settle = settle.split(';').filter(|statement| statement.contains("UPDATE")).map(str::to_owned);
        // As older versions left it, and then the migration.
        let (offer, request) = (field(&cancelled, "offer_id"), field(&cancelled, "request_id"));
        let statements: Vec<String> = [
            format!("UPDATE offers SET status = 'accepted' WHERE id = '{offer}'"),
            format!("UPDATE requests SET status = 'booked' WHERE id = '{request}'"),
        ]
        .into_iter()
        .chain(settle)
        .collect();
        assert_eq!(statements.len(), 4);
        let run = app.server.db.write(move |uow| {
            for statement in &statements {
                diesel::sql_query(statement).execute(uow.conn())?;
            }
            Ok::<_, DbError>(())
        });
        run.await.unwrap();
        for (booking, offer, request) in [(&cancelled, "voided", "cancelled"), (&kept, "accepted", "booked")] {
            let row = ana.get(&format!("/offers/{}", field(booking, "offer_id"))).await.ok();
            assert_eq!(row["state"], offer);
            let row = ana.get(&format!("/requests/{}", field(booking, "request_id"))).await.ok();
            assert_eq!(row["state"], request);
        }
    }
}
