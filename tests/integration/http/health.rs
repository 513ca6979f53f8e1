use diesel::prelude::*;
use serde_json::Value;
use souk::db::DbError;
use souk::db::schema::write_probe;

use crate::both_engines;
use crate::support::{Client, Process, TestApp, eventually};

const TOKEN: &str = "3b8e1f6a90c24d7e85a1b2c3d4e5f607";

/// Changes the database without the server's knowledge.
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
                Ok::<i64, DbError>(write_probe::table.select(write_probe::writes).get_result(uow.conn())?)
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

    async fn the_address_itself_greets_programs_and_people(app) {
        let anyone = app.anyone();
        let greeting = anyone.get("/").header("Accept", "*/*").await;
        assert_eq!(greeting.header("vary").map(|vary| vary.contains("Accept")), Some(true), "{greeting}");
        assert_eq!(greeting.ok()["name"], "souk");
        assert_eq!(greeting.ok()["version"], env!("CARGO_PKG_VERSION"));
        for path in greeting.ok()["links"].as_object().unwrap().values() {
            assert_eq!(anyone.get(path.as_str().unwrap()).await.status, 200, "{path}");
        }

        let page = anyone.get("/").header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        let text = &page.text;
        assert!(!text.contains("<script") && !text.contains("src=") && !text.contains("{style}"), "{text}");
        let links: Vec<_> = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() >= 4, "{links:?}");
        for link in links {
            assert_eq!(anyone.get(link).await.status, 200, "{link}");
        }
        for path in ["/", "/openapi.json"] {
            assert_eq!(anyone.call(reqwest::Method::HEAD, path).await.status, 200, "{path}");
        }
    }

    async fn metrics_may_ask_for_a_token(app with ["--metrics-token", TOKEN]) {
        for shown in [None, Some("wrong"), Some(&TOKEN[..31])] {
            let refused = Client::new(app.address, shown.map(str::to_owned)).get("/metrics").await;
            assert_eq!(refused.refused(401)["code"], "unauthorized");
            assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer realm="metrics""#));
        }
        let metrics = app.with_token(TOKEN).get("/metrics").await;
        assert_eq!(metrics.status, 200);
        assert!(metrics.text.contains("souk_http_requests_total"));
    }
}

both_engines! {
    fn metrics_may_have_an_address_of_their_own(database) {
        let flags = ["--metrics-bind=127.0.0.1:0"];
        let process = Process::start("127.0.0.1:0", &database.url(), &flags);
        let address = process.first_lines.iter().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["metrics_address"].as_str()?.parse().ok()
        });
        let elsewhere = Client::new(address.unwrap(), None);
        actix_web::rt::System::new().block_on(async {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let here = http.get(format!("http://{}/metrics", process.address)).send().await.unwrap();
            assert_eq!(here.status(), 404);
            let document = process.client(None).get("/openapi.json").await.ok();
            assert_eq!(document["paths"].get("/metrics"), None);
            process.client(None).get("/healthz").await.ok();
            let metrics = elsewhere.get("/metrics").await;
            assert_eq!(metrics.status, 200);
            assert!(metrics.text.contains(r#"route="/healthz",status="200"} 1"#), "{metrics}");
            // Nothing of the API, whose document does not speak of this address.
            assert_eq!(elsewhere.get("/openapi.json").await.status, 404);
        });
        assert!(process.terminate().success());
    }

    fn production_warns_where_anybody_may_read_the_metrics(database) {
        let warns = |flags: &[&str]| {
            let flags: Vec<_> = flags.iter().copied().chain(["--env=production"]).collect();
            let process = Process::start("127.0.0.1:0", &database.url(), &flags);
            process.first_lines.iter().any(|line| line.contains("--metrics-bind or --metrics-token"))
        };
        assert!(warns(&[]));
        assert!(!warns(&["--metrics-token", TOKEN]));
        assert!(!warns(&["--metrics-bind=127.0.0.1:0"]));
    }
}
