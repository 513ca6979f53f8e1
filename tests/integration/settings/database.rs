//! Settings of PostgreSQL: how long is waited for what.

use std::future::IntoFuture;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel::{Connection, PgConnection};
use souk::db::{DbError, UnitOfWork};

use super::process::NEVER;
use crate::support::{Engine, SilentProxy, TestApp, own_postgres, run, usual_request};

#[test]
fn a_server_that_does_not_answer_is_waited_for_as_long_as_the_setting_says() {
    let Some(postgres) = own_postgres() else { return };
    let proxy = SilentProxy::before(&postgres);
    proxy.fall_silent();
    let takes = |arguments: &[&str], url: &str| {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["migrate", "--database-url", url])
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success(), "nobody answers");
        began.elapsed()
    };
    let url = postgres.url_by(proxy.folder());
    let setting = ["--database-connect-timeout=5s"];
    assert!((Duration::from_secs(4)..NEVER).contains(&takes(&setting, &url)));
    let by_url = takes(&["--database-connect-timeout=1h"], &format!("{url}&connect_timeout=2"));
    assert!(by_url < NEVER, "what the URL says wins");
}

/// Another session of the server's, which holds the table of requests.
fn hold_requests(app: &TestApp) -> PgConnection {
    let mut holder = PgConnection::establish(&app.database_url).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").unwrap();
    holder
}

/// Calls that need the table of requests are refused in time, and well again afterwards.
async fn is_refused_meanwhile(app: &TestApp) {
    let ana = app.consumer("ana").await;
    let holder = hold_requests(app);
    for call in [ana.post("/requests", usual_request()), ana.get("/requests")] {
        let refused = tokio::time::timeout(NEVER, call.into_future()).await.expect("an answer in time");
        assert_eq!(
            (refused.refused(503)["code"].as_str(), refused.header("retry-after")),
            (Some("overloaded"), Some("1"))
        );
    }
    drop(holder);
    ana.post("/requests", usual_request()).await.ok();
}

#[test]
fn a_statement_that_takes_too_long_is_refused_and_may_be_tried_again() {
    let flags = ["--database-statement-timeout=300ms", "--database-lock-timeout=1h"];
    run(Engine::Postgres, &flags, async |app| is_refused_meanwhile(app).await);
}

#[test]
fn who_waits_too_long_for_a_lock_is_refused_and_may_try_again() {
    let flags = ["--database-statement-timeout=1h", "--database-lock-timeout=300ms"];
    run(Engine::Postgres, &flags, async |app| is_refused_meanwhile(app).await);
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[test]
fn a_transaction_that_pauses_too_long_is_ended() {
    run(Engine::Postgres, &["--database-idle-transaction-timeout=200ms"], async |app| {
        let url = app.database_url.clone();
        let paused = app.server.db.write(move |uow: &mut UnitOfWork<'_>| {
            let backend = "SELECT pg_backend_pid() AS pid";
            let Backend { pid } = diesel::sql_query(backend).get_result(uow.conn())?;
            let mut other = PgConnection::establish(&url).unwrap();
            let lives = format!("SELECT count(*) AS count FROM pg_stat_activity WHERE pid = {pid}");
            while diesel::sql_query(&lives).get_result::<Count>(&mut other)?.count > 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
            diesel::sql_query(backend).get_result::<Backend>(uow.conn())?;
            Ok::<_, DbError>(())
        });
        let ended = tokio::time::timeout(NEVER, paused).await.expect("an end in time");
        assert!(matches!(ended, Err(DbError::Unavailable(_))), "{ended:?}");
        app.consumer("ana").await;
    });
}
