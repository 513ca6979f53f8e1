use diesel::prelude::*;
use souk::db::DbError;
use souk::db::schema::write_probe;

use crate::both_engines;
use crate::support::{TestApp, eventually};

/// Changes the database behind the server's back.
async fn db_execute(app: &TestApp, sql: &'static str) {
    let changed = app.server.db.write(move |uow| {
        diesel::sql_query(sql).execute(uow.conn())?;
        Ok::<_, DbError>(())
    });
    changed.await.unwrap();
}

both_engines! {
    async fn a_server_that_started_is_alive_and_ready(app) {
        let anyone = app.anyone();
        assert_eq!(anyone.get("/healthz").await.ok()["status"], "ok");
        assert_eq!(anyone.get("/readyz").await.ok()["status"], "ready");
    }

    async fn a_server_that_stops_is_alive_but_not_ready(app) {
        app.server.stopping.set();
        let anyone = app.anyone();
        anyone.get("/healthz").await.ok();
        assert_eq!(anyone.get("/readyz").await.refused(503)["because"], "stopping");
    }

    async fn a_server_whose_table_is_gone_is_not_ready(app) {
        let anyone = app.anyone();
        anyone.get("/readyz").await.ok();
        db_execute(app, "DROP TABLE read_markers").await;
        eventually(async || anyone.get("/readyz").await.status == 503).await;
        assert_eq!(anyone.get("/readyz").await.refused(503)["because"], "database");
    }

    async fn a_server_whose_schema_a_newer_one_changed_is_not_ready(app) {
        let anyone = app.anyone();
        anyone.get("/readyz").await.ok();
        db_execute(app, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')").await;
        eventually(async || anyone.get("/readyz").await.status == 503).await;
        db_execute(app, "DELETE FROM __diesel_schema_migrations WHERE version = '20991231000000'").await;
        eventually(async || anyone.get("/readyz").await.status == 200).await;
    }

    async fn whoever_asks_for_readiness_often_does_not_make_the_database_write_often(app) {
        let anyone = app.anyone();
        anyone.get("/readyz").await.ok();
        let probes = || async {
            let writes = app.server.db.read(|uow| {
                Ok::<i64, DbError>(write_probe::table.select(write_probe::writes).first(uow.conn())?)
            });
            writes.await.unwrap()
        };
        let (before, began) = (probes().await, std::time::Instant::now());
        futures_util::future::join_all((0..200).map(|_| async { anyone.get("/readyz").await.ok() })).await;
        let allowed = 1 + i64::try_from(began.elapsed().as_secs()).unwrap();
        assert!(probes().await - before <= allowed, "200 questions, at most {allowed} answers");
        eventually(async || {
            anyone.get("/readyz").await.ok();
            probes().await > before
        })
        .await;
    }

    async fn metrics_count_requests_by_the_pattern_of_their_route(app) {
        let anyone = app.anyone();
        anyone.get("/healthz").await.ok();
        anyone.get("/no/such/address").await.refused(404);
        let metrics = anyone.get("/metrics").await.text;
        for line in [
            r#"souk_http_requests_total{method="GET",route="/healthz",status="200"} 1"#,
            r#"souk_http_requests_total{method="GET",route="(none)",status="404"} 1"#,
            "process_resident_memory_bytes",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        assert!(!metrics.contains("no/such"), "a path became a label");
    }
}
