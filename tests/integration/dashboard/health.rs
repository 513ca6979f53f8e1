//! How each part of the server is, as admins are told.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Engine, TestApp, eventually};

/// A part of the answer, by its name.
fn part<'a>(health: &'a Value, name: &str) -> &'a Value {
    health["parts"].as_array().unwrap().iter().find(|part| part["part"] == name).unwrap()
}

/// Keeps everybody else from committing a write of the readiness probe, until it is dropped.
fn hold_writes(app: &TestApp) -> Box<dyn std::any::Any> {
    let url = &app.database_url;
    match app.engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::establish(url).unwrap();
            connection.batch_execute("BEGIN IMMEDIATE").unwrap();
            Box::new(connection)
        }
        Engine::Postgres => {
            let mut connection = PgConnection::establish(url).unwrap();
            connection.batch_execute("BEGIN; LOCK TABLE write_probe IN EXCLUSIVE MODE").unwrap();
            Box::new(connection)
        }
    }
}

both_engines! {
    async fn each_part_is_told_with_its_state_and_why(app with ["--sweep-interval=1s"]) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        // Whoever is first of all leads, and sweeps, a moment later.
        eventually(async || part(&root.get("/admin/health").await.ok(), "sweeper")["last_at"].is_string()).await;
        let health = root.get("/admin/health").await.ok();
        let states = health["parts"].as_array().unwrap().iter();
        let states: Vec<_> = states.map(|part| (part["part"].as_str().unwrap(), part["state"].as_str().unwrap())).collect();
        let nodes = if app.engine == Engine::Postgres { "ok" } else { "not_used" };
        let expected = [("writer", "ok"), ("database", "ok"), ("hub", "ok"), ("sweeper", "ok"), ("bus", "not_used"),
            ("nodes", nodes)];
        assert_eq!(states, expected, "{health}");
        assert!(health["parts"].as_array().unwrap().iter().all(|part| part["because"].as_str().unwrap().ends_with('.')));
        assert!(part(&health, "writer")["last_at"].is_string(), "the probe has committed: {health}");
        let nodes = health["nodes"].as_array().unwrap();
        assert_eq!((nodes.len(), &nodes[0]["current"], &nodes[0]["state"]), (1, &json!(true), &json!("ok")));
        assert!(nodes[0]["since"].is_string());
        assert_eq!(nodes[0]["last_seen_at"].is_string(), app.engine == Engine::Postgres);

        ana.get("/admin/health").await.refused(403);
        let audit = root.get("/admin/audit?kind=setting").await.ok();
        let outcomes: Vec<_> = audit["items"].as_array().unwrap().iter().map(|row| &row["outcome"]).collect();
        assert_eq!(outcomes, ["refused"], "who may is not audited, who may not is");
    }

    async fn while_nothing_can_be_written_that_is_told_in_time(app) {
        let root = app.db_admin("root").await;
        let writer = async || part(&root.get("/admin/health").await.ok(), "writer").clone();
        assert_eq!(writer().await["state"], "ok");
        let held = hold_writes(app);
        eventually(async || writer().await["state"] == "down").await;
        let began = Instant::now();
        let health = root.get("/admin/health").await.ok();
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        let down = part(&health, "writer");
        assert!(down["state"] == "down" && down["since"].is_string() && down["last_at"].is_string(), "{health}");
        assert_eq!(part(&health, "database")["state"], "degraded", "reads are answered: {health}");
        assert_eq!(part(&health, "hub")["state"], "ok");
        assert_eq!(app.anyone().get("/readyz").await.refused(503)["because"], "database", "the same probe");
        drop(held);
        eventually(async || writer().await["state"] == "ok").await;
    }
}
