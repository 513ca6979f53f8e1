//! Guarantees of the SQLite writer. The integration suite shows the same on both engines, through the public
//! interfaces.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use diesel::prelude::*;
use futures_util::FutureExt;

use crate::clock::Clock;
use crate::db::schema::{audit, events, read_markers, rooms};
use crate::db::{Db, DbConfig, DbError, Target, UnitOfWork};
use crate::events::{Committed, DomainEvent, Publisher};
use crate::ids::{Category, Room, Seq};

use super::audit_log::{NewAudit, Outcome};
use super::event_log;

#[derive(Default)]
struct CommittedEvents(Mutex<Vec<(Room, Seq)>>);

impl Publisher for CommittedEvents {
    fn publish(&self, committed: Committed) {
        self.0.lock().unwrap().extend(committed.events.into_iter().map(|e| (e.room, e.seq)));
    }
    fn publish_if_committed(&self, _: Committed) {}
}

#[derive(serde::Serialize)]
struct Tested {
    rooms: Vec<Room>,
}

impl DomainEvent for Tested {
    fn kind(&self) -> &'static str {
        "test.happened"
    }
    fn rooms(&self) -> Vec<Room> {
        self.rooms.clone()
    }
    fn for_admins(&self) -> bool {
        false
    }
}

fn market(name: &str) -> Room {
    Room::Market(name.parse::<Category>().unwrap())
}

struct Fixture {
    db: Db,
    committed: Arc<CommittedEvents>,
    _folder: tempfile::TempDir,
    config: DbConfig,
}

fn fixture(adjust: impl FnOnce(&mut DbConfig)) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let mut config = DbConfig::new(Target::Sqlite(folder.path().join("nested/souk.db")));
    adjust(&mut config);
    let committed = Arc::new(CommittedEvents::default());
    let db = Db::open(&config, Clock::system(), committed.clone()).unwrap();
    Fixture { db, committed, _folder: folder, config }
}

fn refusal() -> NewAudit {
    NewAudit {
        actor: None,
        impersonator: None,
        outcome: Outcome::Refused,
        action: "test",
        kind: "room",
        row_id: None,
        detail: None,
        call: None,
    }
}

fn fail(_: &mut UnitOfWork<'_>) -> Result<(), DbError> {
    Err(DbError::Unavailable("on purpose".into()))
}

#[tokio::test]
async fn positions_are_gapless_and_told_after_the_commit_in_their_order() {
    let f = fixture(|_| {});
    let writes = (0..300).map(|_| {
        f.db.write(|uow| {
            uow.record(None, &Tested { rooms: vec![market("b"), market("a")] });
            Ok::<_, DbError>(())
        })
    });
    for done in futures_util::future::join_all(writes).await {
        done.unwrap();
    }
    for name in ["a", "b"] {
        let room = market(name);
        let seqs: Vec<u64> =
            f.committed.0.lock().unwrap().iter().filter(|(r, _)| *r == room).map(|(_, s)| s.0).collect();
        assert_eq!(seqs, (1..=300).collect::<Vec<_>>());
        let replayed =
            f.db.read(move |uow| event_log::after(uow.conn(), &room, Seq(290), 100)).await.unwrap();
        assert_eq!(replayed.iter().map(|e| e.seq.0).collect::<Vec<_>>(), (291..=300).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_failing_use_case_leaves_nothing_but_its_refusals() {
    let f = fixture(|_| {});
    let kept = f.db.write(|uow| {
        uow.record(None, &Tested { rooms: vec![market("kept")] });
        Ok::<_, DbError>(())
    });
    let failed = f.db.write(|uow| {
        uow.record(None, &Tested { rooms: vec![market("lost")] });
        uow.append(&market("lost"), None, &Tested { rooms: vec![] })?;
        uow.audit(refusal())?;
        fail(uow)
    });
    // Submitted concurrently, so that they share a group.
    let (kept, failed) = tokio::join!(kept, failed);
    assert!(kept.is_ok() && failed.is_err());
    let found =
        f.db.read(|uow| {
            let rooms: Vec<String> = rooms::table.select(rooms::name).load(uow.conn())?;
            let audited: i64 = audit::table.count().get_result(uow.conn())?;
            Ok::<_, DbError>((rooms, audited))
        })
        .await
        .unwrap();
    assert_eq!(found, (vec!["market:kept".to_owned()], 1));
    assert_eq!(f.committed.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_while_reading_is_written_down() {
    let f = fixture(|_| {});
    f.db.read(|uow| uow.audit(refusal())).await.unwrap();
    let audited: i64 =
        f.db.read(|uow| Ok::<_, DbError>(audit::table.count().get_result(uow.conn())?)).await.unwrap();
    assert_eq!(audited, 1);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let f = fixture(|_| {});
    let tried =
        f.db.read(|uow| {
            diesel::delete(events::table).execute(uow.conn())?;
            Ok::<_, DbError>(())
        })
        .await;
    assert!(tried.is_err());
}

/// A write that keeps the writer busy until the returned sender is used, so that what is submitted next is one group.
async fn busy_writer(db: &Db) -> (mpsc::SyncSender<()>, tokio::task::JoinHandle<Result<(), DbError>>) {
    let (began, begun) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::sync_channel(1);
    let (began, released) = (Mutex::new(Some(began)), Mutex::new(released));
    let db = db.clone();
    let write = tokio::spawn(async move {
        db.write(move |_| {
            began.lock().unwrap().take().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            Ok::<_, DbError>(())
        })
        .await
    });
    begun.await.unwrap();
    (release, write)
}

#[tokio::test]
async fn a_panic_takes_back_its_own_write_alone() {
    let f = fixture(|_| {});
    let (release, busy) = busy_writer(&f.db).await;
    let write = |panics: bool| {
        f.db.write(move |uow| -> Result<(), DbError> {
            uow.append(&market("x"), None, &Tested { rooms: vec![] })?;
            if panics { panic!("on purpose") } else { Ok(()) }
        })
    };
    let mut group: Vec<_> = (0..9).map(|n| Box::pin(write(n == 4))).collect();
    for waiting in &mut group {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    release.send(()).unwrap();
    let done = futures_util::future::join_all(group).await;
    busy.await.unwrap().unwrap();
    for (n, done) in done.iter().enumerate() {
        match n {
            4 => assert!(
                matches!(done, Err(DbError::Unavailable(why)) if why.contains("panicked")),
                "{done:?}"
            ),
            _ => assert!(done.is_ok(), "{n}: {done:?}"),
        }
    }
    let head = f.db.read(|uow| event_log::head(uow.conn(), &market("x"))).await.unwrap();
    assert_eq!(head, Seq(8));
    assert_eq!(f.committed.0.lock().unwrap().len(), 8);
}

/// Panics at whatever it is told.
struct Panics;

impl Publisher for Panics {
    fn publish(&self, _: Committed) {
        panic!("on purpose")
    }
    fn publish_if_committed(&self, _: Committed) {}
}

#[tokio::test]
async fn a_publisher_that_panics_ends_neither_the_writer_nor_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let config = DbConfig::new(Target::Sqlite(folder.path().join("souk.db")));
    let db = Db::open(&config, Clock::system(), Arc::new(Panics)).unwrap();
    for written in 1..=3 {
        db.write(|uow| {
            uow.record(None, &Tested { rooms: vec![market("x")] });
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
        let head = db.read(|uow| event_log::head(uow.conn(), &market("x"))).await.unwrap();
        assert_eq!(head, Seq(written));
    }
    db.check().await.unwrap();
}

async fn fill(f: &Fixture, kib: usize) {
    f.db.write(move |uow| {
        let sql = format!(
            "INSERT INTO write_probe (id, writes, filler) VALUES (1, 1, hex(randomblob({}))) \
             ON CONFLICT (id) DO UPDATE SET filler = excluded.filler",
            kib * 512
        );
        diesel::sql_query(sql).execute(uow.conn())?;
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_long_read_of_another_process_stops_no_writes_and_the_log_is_emptied_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("souk.db");
    let config = DbConfig { wal_max: 1 << 20, ..DbConfig::new(Target::Sqlite(file.clone())) };
    let clock = Clock::movable();
    let db = Db::open(&config, clock.clone(), Arc::new(())).unwrap();
    let registry = prometheus::Registry::new();
    db.register_metrics(&registry).unwrap();
    let f = Fixture { db, committed: Arc::default(), _folder: folder, config };
    // The migrations may have filled the log: it is emptied before the second write.
    fill(&f, 1).await;
    fill(&f, 1).await;
    let truncated = checkpoints(&registry, "truncated");

    let mut backup = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    diesel::sql_query("BEGIN").execute(&mut backup).unwrap();
    let seen: i64 = rooms::table.count().get_result(&mut backup).unwrap();
    assert_eq!(seen, 0);
    for _ in 0..40 {
        fill(&f, 100).await;
    }
    let log = || std::fs::metadata(file.with_file_name("souk.db-wal")).unwrap().len();
    assert!(log() > 2 << 20, "the premise: it grows while somebody reads, {}", log());
    assert_eq!(checkpoints(&registry, "blocked"), 1, "tried once, and not with every write");

    diesel::sql_query("ROLLBACK").execute(&mut backup).unwrap();
    clock.advance(std::time::Duration::from_secs(6));
    fill(&f, 1).await;
    // The writer looks after its log before it takes the next write.
    fill(&f, 1).await;
    assert!(log() < 1 << 20, "{}", log());
    assert_eq!(checkpoints(&registry, "truncated"), truncated + 1);
}

fn checkpoints(registry: &prometheus::Registry, outcome: &str) -> u64 {
    let mut text = Vec::new();
    prometheus::Encoder::encode(&prometheus::TextEncoder::new(), &registry.gather(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let line = format!("souk_sqlite_checkpoints_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_lost_race_is_run_again_and_given_up_in_the_end() {
    let f = fixture(|_| {});
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let lost =
        f.db.write(move |_| -> Result<(), DbError> {
            counted.fetch_add(1, Ordering::SeqCst);
            Err(DbError::Contended("on purpose".into()))
        })
        .await;
    assert!(matches!(lost, Err(DbError::Contended(_))));
    assert!(runs.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn too_many_waiting_writes_are_shed_and_the_others_are_kept() {
    let f = fixture(|c| c.max_waiting = 4);
    let writes = (0..400).map(|_| {
        f.db.write(|uow| {
            uow.record(None, &Tested { rooms: vec![market("a")] });
            Ok::<_, DbError>(())
        })
    });
    let done = futures_util::future::join_all(writes).await;
    let kept = done.iter().filter(|d| d.is_ok()).count();
    assert!(done.iter().all(|d| matches!(d, Ok(()) | Err(DbError::Overloaded))));
    let head = f.db.read(|uow| event_log::head(uow.conn(), &market("a"))).await.unwrap();
    assert!(kept < 400, "the premise: some were shed");
    assert_eq!(head.0, kept as u64);
}

#[tokio::test]
async fn what_was_written_is_there_after_closing_and_nothing_is_taken_any_more() {
    let f = fixture(|_| {});
    f.db.write(|uow| {
        uow.record(None, &Tested { rooms: vec![market("a")] });
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
    f.db.close().await;
    assert!(matches!(f.db.write(fail).await, Err(DbError::Unavailable(_))));
    let again = Db::open(&f.config, Clock::system(), Arc::new(())).unwrap();
    assert_eq!(again.read(|uow| event_log::head(uow.conn(), &market("a"))).await.unwrap(), Seq(1));
}

#[tokio::test]
async fn numbers_columns_hold_numbers_and_keys_are_never_null() {
    let f = fixture(|_| {});
    for sql in [
        "INSERT INTO rooms (name, head) VALUES ('x', 'abc')",
        "INSERT INTO rooms (name, head) VALUES (NULL, 1)",
        "INSERT INTO users SELECT NULL, 'a', NULL, NULL, 'a', NULL, 'admin', 'free', TRUE, 0, 0, 0, 0",
    ] {
        let tried = f.db.write(move |uow| {
            diesel::sql_query(sql).execute(uow.conn())?;
            Ok::<_, DbError>(())
        });
        assert!(tried.await.is_err(), "{sql}");
    }
    let markers: i64 =
        f.db.read(|uow| Ok::<_, DbError>(read_markers::table.count().get_result(uow.conn())?)).await.unwrap();
    assert_eq!(markers, 0);
}
