//! Guarantees of a unit of work on both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use futures_util::future::join_all;
use souk::db::event_log;
use souk::db::schema::rooms;
use souk::db::{DbError, UnitOfWork};
use souk::events::DomainEvent;
use souk::ids::{Room, Seq};

use crate::both_engines;
use crate::support::TestApp;

#[derive(serde::Serialize)]
struct Tested(#[serde(skip)] Vec<Room>);

impl DomainEvent for Tested {
    fn kind(&self) -> &'static str {
        "test.happened"
    }
    fn rooms(&self) -> Vec<Room> {
        self.0.clone()
    }
    fn for_admins(&self) -> bool {
        false
    }
}

fn market(name: &str) -> Room {
    format!("market:{name}").parse().unwrap()
}

fn happen(uow: &mut UnitOfWork<'_>, names: &[&str]) {
    uow.record(None, &Tested(names.iter().map(|name| market(name)).collect()));
}

async fn positions(app: &TestApp, room: Room) -> Vec<u64> {
    let events =
        app.server.db.read(move |uow| event_log::after(uow.conn(), &room, Seq::START, 10_000)).await.unwrap();
    events.iter().map(|event| event.seq.0).collect()
}

both_engines! {
    async fn many_writers_of_the_same_rooms_leave_no_gap_and_do_not_deadlock(app) {
        let writes = (0..200).map(|n| {
            app.server.db.write(move |uow| {
                // Rooms are recorded in different orders; the unit locks them in one.
                happen(uow, if n % 2 == 0 { &["a", "b"] } else { &["b", "a"] });
                Ok::<_, DbError>(())
            })
        });
        for done in join_all(writes).await {
            done.unwrap();
        }
        for name in ["a", "b"] {
            assert_eq!(positions(app, market(name)).await, (1..=200).collect::<Vec<_>>());
        }
    }

    async fn a_failed_use_case_leaves_nothing(app) {
        let failed = app.server.db.write(|uow| -> Result<(), DbError> {
            uow.append(&market("lost"), None, &Tested(vec![]))?;
            happen(uow, &["lost"]);
            Err(DbError::Unavailable("on purpose".into()))
        });
        assert!(failed.await.is_err());
        assert_eq!(positions(app, market("lost")).await, Vec::<u64>::new());
    }

    async fn an_error_that_a_use_case_swallows_is_not_committed_as_if_nothing_was(app) {
        let row = (rooms::name.eq("market:twice"), rooms::head.eq(1));
        let swallowed = app.server.db.write(move |uow| {
            let insert = || diesel::insert_into(rooms::table).values(row);
            insert().execute(uow.conn())?;
            let _ = insert().execute(uow.conn());
            Ok::<_, DbError>(())
        });
        let done = swallowed.await;
        let there = app
            .server
            .db
            .read(|uow| Ok::<_, DbError>(rooms::table.find("market:twice").count().get_result::<i64>(uow.conn())?))
            .await
            .unwrap();
        // PostgreSQL fails the transaction, SQLite only the statement: both are right, as long as the result
        // is true.
        assert_eq!(done.is_ok(), there == 1, "answered {done:?} with {there} rows");
    }

    async fn a_panic_is_answered_and_the_next_write_goes_through(app) {
        let panicked = app.server.db.write(|uow| -> Result<(), DbError> {
            uow.append(&market("x"), None, &Tested(vec![]))?;
            panic!("on purpose")
        });
        assert!(matches!(panicked.await, Err(DbError::Unavailable(_))));
        for _ in 0..20 {
            let write = app.server.db.write(|uow| {
                happen(uow, &["x"]);
                Ok::<_, DbError>(())
            });
            write.await.unwrap();
        }
        assert_eq!(positions(app, market("x")).await, (1..=20).collect::<Vec<_>>());
    }

    async fn of_many_at_once_those_that_fail_leave_nothing_and_harm_nobody(app) {
        let writes = (0..40).map(|n| {
            app.server.db.write(move |uow| {
                let seq = uow.append(&market("mixed"), None, &Tested(vec![]))?.seq;
                match n % 5 {
                    3 => Err(DbError::Unavailable("on purpose".into())),
                    4 => panic!("on purpose"),
                    _ => Ok(seq.0),
                }
            })
        });
        let (mut taken, mut failed) = (Vec::new(), 0);
        for done in join_all(writes).await {
            match done {
                Ok(seq) => taken.push(seq),
                Err(_) => failed += 1,
            }
        }
        taken.sort_unstable();
        assert_eq!((failed, &taken), (16, &(1..=24).collect()), "each got a position of its own, without a gap");
        assert_eq!(positions(app, market("mixed")).await, taken);
    }

    async fn a_unit_that_loses_its_race_is_run_again(app) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let done = app.server.db.write(move |uow| {
            happen(uow, &["again"]);
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Err(DbError::Contended("on purpose".into())),
                _ => Ok(()),
            }
        });
        done.await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(positions(app, market("again")).await, vec![1]);
    }
}
