//! The bound of SQLite's write-ahead log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::RunQueryDsl;
use futures_util::future::join_all;
use souk::db::DbError;

use crate::support::{Engine, run_on};

#[test]
fn the_write_ahead_log_is_bounded_while_reads_overlap() {
    const MIB: u64 = 1 << 20;
    let database = Engine::Sqlite.database().unwrap();
    let log = format!("{}-wal", database.url());
    let flags = ["--database-wal-max=4MiB", "--database-connections=4"];
    run_on(&database, &flags, Duration::from_secs(120), async |app| {
        let stop = Arc::new(AtomicBool::new(false));
        let reads = (0..3).map(|_| {
            let (db, stop) = (app.server.db.clone(), stop.clone());
            actix_web::rt::spawn(async move {
                let mut reads = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    db.read(|uow| {
                        diesel::sql_query("SELECT COUNT(*) FROM users").execute(uow.conn())?;
                        // The snapshot is in use for as long, so that the three always overlap.
                        std::thread::sleep(Duration::from_millis(20));
                        Ok::<_, DbError>(())
                    })
                    .await
                    .unwrap();
                    reads += 1;
                }
                reads
            })
        });
        let reads: Vec<_> = reads.collect();
        let mut largest = 0;
        for _ in 0..200 {
            let write = app.server.db.write(|uow| {
                let sql = "INSERT INTO write_probe (id, writes, filler) VALUES (1, 1, hex(randomblob(131072))) \
                           ON CONFLICT (id) DO UPDATE SET filler = excluded.filler";
                diesel::sql_query(sql).execute(uow.conn())?;
                Ok::<_, DbError>(())
            });
            write.await.unwrap();
            largest = largest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
        }
        stop.store(true, Ordering::Relaxed);
        let read: u32 = join_all(reads).await.into_iter().map(Result::unwrap).sum();
        assert!(read > 10, "the premise: there were {read} reads");
        assert!(
            largest > 4 * MIB && largest < 8 * MIB,
            "50 MiB were written, and the log had up to {largest} bytes"
        );
        let metrics = app.anyone().get("/metrics").await.text;
        let count = |outcome: &str| {
            let line = format!("souk_sqlite_checkpoints_total{{outcome=\"{outcome}\"}} ");
            metrics
                .lines()
                .find_map(|found| found.strip_prefix(&line))
                .map_or(0, |count| count.parse::<u32>().unwrap())
        };
        assert!(count("truncated") >= 5, "{metrics}");
        assert!(metrics.contains("souk_sqlite_wal_bytes "), "{metrics}");
    });
}
