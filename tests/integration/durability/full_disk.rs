//! A SQLite server whose disk is full: writes are refused, nothing acknowledged is lost, and it is well again as soon as
//! there is room. The room is taken by a limit on the size of files, which fails as a full disk does.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Engine, Person, Process, eventually};

/// Lets the process write files up to so many bytes.
fn limit_files(process: &Process, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let pid = process.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

#[test]
fn a_full_disk_refuses_writes_and_readiness_until_there_is_room() {
    let database = Engine::Sqlite.database().unwrap();
    // Without this the limit would kill the process, which a full disk does not do.
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
        // Besides the line that each request has.
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
