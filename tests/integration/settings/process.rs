//! Settings of the process, its database and its log.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::db::{Db, DbError};

use crate::both_engines;
use crate::support::{
    Client, Database, Engine, JOURNAL_KEY, JWT_SECRET, PASSWORD, Person, Process, Socket, TestApp,
    eventually, run, usual_request,
};

/// Longer than what is set short here takes on any machine, and shorter than what is set long.
pub(super) const NEVER: Duration = Duration::from_secs(40);

/// Runs a command on a database, which must succeed; returns its output.
#[track_caller]
pub(super) fn souk(database: &Database, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(arguments)
        .args(["--database-url", &database.url()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(super) fn add_user(database: &Database, email: &str) {
    souk(
        database,
        &["user", "add", "--email", email, "--name=Ana", "--role=consumer", "--generate-password"],
    );
}

/// Stops a server with six sessions on two threads; returns how many are notified, and how long it takes.
async fn stopped(database: &Database, flags: &[&str]) -> (usize, Duration) {
    let server = Process::start("127.0.0.1:0", &database.url(), flags);
    let anyone = server.client(None);
    let form = json!({"email": "ana@example.com", "password": PASSWORD});
    let ana = match anyone.post("/auth/token", form).await {
        known if known.status == 200 => {
            Person::of(anyone.with_token(known.json()["access_token"].as_str().unwrap())).await
        }
        _ => Person::register(&anyone, "ana", "consumer").await,
    };
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(ana.live().await);
    }
    let began = Instant::now();
    let stopping = tokio::task::spawn_blocking(move || server.terminate());
    let told =
        join_all(sessions.iter_mut().map(async |session| session.try_recv("disconnecting").await.is_ok()));
    let told = told.await.into_iter().filter(|told| *told).count();
    stopping.await.unwrap();
    (told, began.elapsed())
}

both_engines! {
    fn sessions_are_sent_away_in_batches_until_the_time_is_over(database) {
        actix_web::rt::System::new().block_on(async {
            let (told, took) = stopped(database, &["--stop-batch=6", "--stop-pause=1h"]).await;
            assert_eq!(told, 6, "all fit into the first batch");
            assert!(took < NEVER, "{took:?}");
            let (told, took) = stopped(database, &["--stop-batch=1", "--stop-pause=1h", "--stop-timeout=2s"]).await;
            assert!((1..=2).contains(&told), "one of each thread at most, and not {told}");
            assert!(took < NEVER, "{took:?}");
            let (told, _) = stopped(database, &["--stop-batch=1", "--stop-pause=1ms"]).await;
            assert_eq!(told, 6);
        });
    }

    fn the_log_looks_and_tells_as_the_settings_say(database) {
        // The harness sets JSON. The threads' own lines are not logged by default.
        let tells_of_threads = |flags: &[&str]| {
            let process = Process::start("127.0.0.1:0", &database.url(), flags);
            process.first_lines.iter().any(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["target"].as_str().unwrap().starts_with("actix_server")
            })
        };
        assert!(tells_of_threads(&["--log-filter=info"]));
        assert!(!tells_of_threads(&[]));
        // That the metrics are open is told before the database turns out to be none.
        let first_line_is_json = |format: &str| {
            let output = Command::new(env!("CARGO_BIN_EXE_souk"))
                .args(["serve", "--bind=127.0.0.1:0", "--env=production", "--jwt-secret", JWT_SECRET, format])
                .args(["--journal-key", JOURNAL_KEY, "--database-url", "/dev/null/souk.db"])
                .output()
                .unwrap();
            String::from_utf8(output.stderr).unwrap().starts_with('{')
        };
        assert!(first_line_is_json("--log-format=json"));
        assert!(!first_line_is_json("--log-format=text"));
    }

    fn so_many_threads_serve(database) {
        for workers in ["1", "3"] {
            let flags = ["--workers", workers, "--log-filter=info"];
            let process = Process::start("127.0.0.1:0", &database.url(), &flags);
            let line = format!("starting {workers} workers");
            assert!(process.first_lines.iter().any(|output| output.contains(&line)), "{:?}", process.first_lines);
        }
    }
}

#[test]
fn a_group_of_one_waits_for_nobody() {
    // Only SQLite has one writer, which groups what waits for it.
    run(Engine::Sqlite, &["--database-group-max=1"], async |app| {
        let (release_first, first) = blocking_write(app).await;
        // These queue behind it in this order; by default they would be one group, answered together.
        let db = app.server.db.clone();
        let mut second = std::pin::pin!(db.write(|_| Ok::<_, DbError>(())));
        assert!((&mut second).now_or_never().is_none());
        let mut third = std::pin::pin!(blocking_write(app));
        assert!((&mut third).now_or_never().is_none());
        // The third is submitted by a task of its own.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        drop(release_first);
        first.await.unwrap();
        let (release_third, third) = third.await;
        second.await.unwrap();
        drop(release_third);
        third.await.unwrap();
    });
}

/// A write that blocks the writer until the returned sender is dropped.
async fn blocking_write(app: &TestApp) -> (std::sync::mpsc::SyncSender<()>, tokio::task::JoinHandle<()>) {
    let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
    let (taken, is_taken) = std::sync::mpsc::sync_channel(1);
    let (db, held) = (app.server.db.clone(), std::sync::Mutex::new(held));
    let holder = actix_web::rt::spawn(async move {
        db.write(move |_| {
            let _ = taken.try_send(());
            let _ = held.lock().unwrap().recv();
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
    });
    eventually(async || is_taken.try_recv().is_ok()).await;
    (release, holder)
}

#[test]
fn a_write_waits_so_long_for_another_process() {
    run(Engine::Sqlite, &["--database-busy-timeout=50ms"], async |app| {
        let ana = app.consumer("ana").await;
        let config = souk::server::db_config(&app.server.config.database);
        let elsewhere = Db::open_beside(&config, app.clock.clone(), std::sync::Arc::new(())).unwrap();
        let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
        let (taken, is_taken) = std::sync::mpsc::sync_channel(1);
        let held = std::sync::Mutex::new(held);
        let db = elsewhere.clone();
        let holder = actix_web::rt::spawn(async move {
            db.write(move |_| {
                let _ = taken.try_send(());
                let _ = held.lock().unwrap().recv();
                Ok::<_, DbError>(())
            })
            .await
        });
        eventually(async || is_taken.try_recv().is_ok()).await;
        // With the default, it would wait for longer than this client does.
        let answer = tokio::time::timeout(
            Duration::from_secs(15),
            ana.post("/requests", usual_request()).into_future(),
        );
        assert_eq!(answer.await.expect("an answer in time").status, 503);
        drop(release);
        holder.await.unwrap().unwrap();
        ana.post("/requests", usual_request()).await.ok();
        elsewhere.close().await;
    });
}

#[test]
fn secrets_may_come_from_files() {
    let secret = "0123456789abcdef0123456789abcdef";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let flags = ["--metrics-token-file", path, "--load-test-secret-file", path];
    run(Engine::Sqlite, &flags, async |app| {
        Client::new(app.address, None).get("/metrics").await.refused(401);
        assert_eq!(app.with_token(secret).get("/metrics").await.status, 200);
        let shown = [("x-load-test-secret", secret)];
        let mut synthetic = Socket::connect_with(app.address, "/ws", &shown).await.unwrap();
        synthetic.recv("connection_established").await;
    });
}
