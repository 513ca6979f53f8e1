//! A SQLite server with a full disk: writes are refused, no acknowledged write is lost, and it recovers once
//! there is space. A limit on file sizes stands in for the full disk; it fails in the same way.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Engine, Person, Process, eventually};

/// Sets the process's maximum file size in bytes.
fn limit_files(process: &Process, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let pid = process.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

#[test]
fn a_full_disk_refuses_writes_and_readiness_until_there_is_room() {
    let database = Engine::Sqlite.database().unwrap();
    // Ignores SIGXFSZ, which would kill the process; a full disk does not.
    let server =
        Process::start_after("trap '' XFSZ", "127.0.0.1:0", &database.url(), &["--free-requests=100000"]);
    actix_web::rt::System::new().block_on(async {
        let anyone = server.client(None);
        let ana = Person::register(&anyone, "ana", "consumer").await;
        let before = ana.post("/entries", json!({"text": "before"})).await.ok();
        assert_eq!(anyone.get("/readyz").await.status, 200);
        server.logged();

        let log = std::fs::metadata(format!("{}-wal", database.url())).unwrap().len();
        limit_files(&server, &log.to_string());
        for attempt in 0..20 {
            let refused =
                ana.post("/entries", json!({"text": "x".repeat(9000)})).key(&format!("full-{attempt}")).await;
            assert_eq!(refused.refused(503)["code"], "unavailable");
            assert!(refused.header("retry-after").is_some(), "{refused}");
        }
        assert_eq!(ana.get("/entries").await.ok()["items"].as_array().unwrap().len(), 1, "reads go on");
        eventually(async || anyone.get("/readyz").await.status == 503).await;
        assert_eq!(anyone.get("/readyz").await.refused(503)["because"], "database");
        assert_eq!(anyone.get("/healthz").await.status, 200, "a restart would not help");
        let told = server.logged();
        // Not counting the access log.
        let of_request = |line: &Value| !line["request_id"].is_null();
        let errors: Vec<_> =
            told.iter().filter(|line| line["level"] == "ERROR" && !of_request(line)).collect();
        assert_eq!(errors.len(), 1, "said once: {errors:?}");

        limit_files(&server, "unlimited");
        eventually(async || anyone.get("/readyz").await.status == 200).await;
        let after = ana.post("/entries", json!({"text": "x".repeat(9000)})).key("full-0").await.ok();
        let kept = ana.get("/entries").await.ok();
        let ids: Vec<_> = kept["items"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
        assert_eq!(ids, [&after["id"], &before["id"]], "what was acknowledged and nothing else");
    });
    assert!(server.terminate().success());
}
