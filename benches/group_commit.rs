//! The gain of group commit: durable single-row writes per second against one transaction per write on pooled
//! connections, at 1, 16 and 64 concurrent writers, with the same SQLite settings (WAL, `synchronous=FULL`).
//!
//! `cargo bench --bench group_commit [-- SECONDS]`; each figure is measured for SECONDS (2 by default).
//! Machines are noisy: only the ratio within one run is meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use souk::clock::Clock;
use souk::db::schema::rooms;
use souk::db::{Db, DbConfig, DbError, Target};

struct Measured {
    per_second: f64,
    worst: Duration,
}

/// Runs `writers` loops of `write` for `length` and counts the completed ones.
async fn measure<F>(writers: usize, length: Duration, write: impl Fn(String) -> F + Clone) -> Measured
where
    F: Future<Output = ()>,
{
    let start = Instant::now();
    let loops = (0..writers).map(|writer| {
        let write = write.clone();
        async move {
            let (mut done, mut worst) = (0_u64, Duration::ZERO);
            while start.elapsed() < length {
                let began = Instant::now();
                write(format!("{writer}-{done}")).await;
                worst = worst.max(began.elapsed());
                done += 1;
            }
            (done, worst)
        }
    });
    let all = futures_util::future::join_all(loops).await;
    let seconds = start.elapsed().as_secs_f64();
    Measured {
        per_second: all.iter().map(|(done, _)| *done as f64).sum::<f64>() / seconds,
        worst: all.iter().map(|(_, worst)| *worst).max().unwrap_or_default(),
    }
}

#[derive(Debug)]
struct Settings;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Settings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection
            .batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON",
            )
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

fn pooled(file: &Path) -> Pool<ConnectionManager<SqliteConnection>> {
    let manager = ConnectionManager::new(file.to_string_lossy());
    Pool::builder().max_size(16).connection_customizer(Box::new(Settings)).build(manager).unwrap()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let seconds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(2.0);
    let length = Duration::from_secs_f64(seconds);
    println!("writers   one transaction each        group commit                ratio");
    println!("          writes/s   worst            writes/s   worst");
    for writers in [1, 16, 64] {
        let folder = tempfile::tempdir().unwrap();
        let config = DbConfig::new(Target::Sqlite(folder.path().join("souk.db")));
        let db = Db::open(&config, Clock::system(), Arc::new(())).unwrap();

        let pool = pooled(&folder.path().join("souk.db"));
        let baseline = measure(writers, length, move |key| {
            let pool = pool.clone();
            async move {
                tokio::task::spawn_blocking(move || {
                    pool.get().unwrap().immediate_transaction(|c| {
                        diesel::insert_into(rooms::table)
                            .values((rooms::name.eq(format!("one-{key}")), rooms::head.eq(1)))
                            .execute(c)
                    })
                })
                .await
                .unwrap()
                .unwrap();
            }
        })
        .await;

        let group = measure(writers, length, move |key| {
            let db = db.clone();
            async move {
                db.write(move |uow| {
                    diesel::insert_into(rooms::table)
                        .values((rooms::name.eq(format!("group-{key}")), rooms::head.eq(1)))
                        .execute(uow.conn())?;
                    Ok::<_, DbError>(())
                })
                .await
                .unwrap();
            }
        })
        .await;

        println!(
            "{writers:>7}   {:>8.0}   {:>8.1?}        {:>8.0}   {:>8.1?}        {:.1}×",
            baseline.per_second,
            baseline.worst,
            group.per_second,
            group.worst,
            group.per_second / baseline.per_second,
        );
    }
}
