//! `souk backup`: a consistent copy of the SQLite file, made while the server runs.

use std::process::{Command, Output};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::clock::Timestamp;

use crate::support::{Engine, Person, Process, TestApp, refused, run_on, sqlite_to_be};

fn backup(to: &str, url: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).args(["backup", to, "--database-url", url]).output().unwrap()
}

#[test]
fn a_backup_of_a_running_server_holds_what_was_acknowledged_and_can_be_served() {
    let database = Engine::Sqlite.database().unwrap();
    let to = format!("{}.it's a backup", database.url());
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let system = actix_web::rt::System::new();
    let ana = system.block_on(async {
        let ana = Person::register(&server.client(None), "ana", "consumer").await;
        for number in 0..20 {
            ana.post("/entries", json!({"text": format!("before {number}")})).await.ok();
        }
        ana
    });
    let made = system.block_on(async {
        let (url, to) = (database.url(), to.clone());
        let backup = tokio::task::spawn_blocking(move || backup(&to, &url));
        let meanwhile = join_all(
            (0..50).map(|_| async { ana.post("/entries", json!({"text": "meanwhile"})).await.ok() }),
        );
        tokio::join!(backup, meanwhile).0.unwrap()
    });
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let output = String::from_utf8(made.stdout).unwrap();
    assert!(output.contains(&to) && output.contains("journal key is not part of the copy"), "{output}");
    for left_over in ["-wal", "-shm", "-journal"] {
        assert!(!std::fs::exists(format!("{to}{left_over}")).unwrap(), "{left_over}");
    }

    // An existing file is never overwritten, whatever it is.
    let copied = std::fs::read(&to).unwrap();
    assert!(refused(&["backup", &to, "--database-url", &database.url()]).contains("exists"));
    assert_eq!(std::fs::read(&to).unwrap(), copied);
    server.kill();

    let restored = Process::start("127.0.0.1:0", &to, &[]);
    let entries = system.block_on(async {
        let ana = restored.client(ana.token());
        ana.get("/entries?limit=100").await.ok()
    });
    let texts: Vec<_> =
        entries["items"].as_array().unwrap().iter().map(|entry| entry["text"].clone()).collect();
    for number in 0..20 {
        assert!(texts.contains(&json!(format!("before {number}"))), "{number} is missing");
    }
    assert!(restored.terminate().success());
}

#[test]
fn there_is_nothing_to_back_up_where_there_is_no_database() {
    let database = sqlite_to_be();
    let to = format!("{}.backup", database.url());
    assert!(refused(&["backup", &to, "--database-url", &database.url()]).contains("no database"));
    assert!(!std::fs::exists(database.url()).unwrap(), "nothing was made");
    assert!(!std::fs::exists(&to).unwrap());
}

#[test]
fn a_backup_of_postgresql_is_left_to_its_own_tool() {
    let output =
        refused(&["backup", "/tmp/souk-never-made", "--database-url", "postgres:///souk?host=/nowhere"]);
    assert!(output.contains("pg_dump"), "{output}");
}

#[test]
fn the_server_knows_when_the_last_backup_was_made() {
    let database = Engine::Sqlite.database().unwrap();
    run_on(&database, &[], Duration::from_secs(60), async |app: &TestApp| {
        let root = app.db_admin("root").await;
        let last = async || root.get("/admin/settings").await.ok()["backup"].clone();
        let metric = async || {
            let metrics = app.anyone().get("/metrics").await.text;
            let line =
                metrics.lines().find_map(|line| line.strip_prefix("souk_last_backup_timestamp_seconds "));
            line.unwrap().parse::<i64>().unwrap()
        };
        assert_eq!((last().await["state"].clone(), metric().await), (json!("none"), 0));
        let (url, to) = (database.url(), format!("{}.copy", database.url()));
        let before = app.clock.now();
        let made = backup(&to, &url);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert!(!String::from_utf8_lossy(&made.stdout).contains("does not know"));
        let known = last().await;
        assert_eq!(known["state"], "made");
        assert_eq!(known["bytes"], std::fs::metadata(&to).unwrap().len());
        let at: Timestamp = known["at"].as_str().unwrap().parse().unwrap();
        assert!(before <= at && at <= app.clock.now(), "{known}");
        assert_eq!(metric().await, at.as_seconds());
        // One that fails changes nothing.
        refused(&["backup", &to, "--database-url", &url]);
        assert_eq!(last().await, known);
        // The copy has had no backup.
        assert!(!std::fs::exists(format!("{to}.last-backup")).unwrap());

        // What cannot be recorded is made all the same.
        let record = format!("{url}.last-backup");
        std::fs::remove_file(&record).unwrap();
        std::fs::create_dir(&record).unwrap();
        let made = backup(&format!("{to}.again"), &url);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let output = String::from_utf8_lossy(&made.stdout).into_owned();
        assert!(output.contains("the server does not know of this backup"), "{output}");
        assert_eq!((last().await["state"].clone(), metric().await), (json!("unknown"), 0));
    });
}
