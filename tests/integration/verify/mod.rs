//! `souk verify`: a marketplace in order has no faults, and each fault that is planted is named.

mod marketplace;
mod planted;

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Database, Engine, JOURNAL_KEY, Process, sqlite_to_be};

use marketplace::Marketplace;

fn verify(url: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command.args(["verify", "--database-url", url]).args(more).output().unwrap()
}

/// The checks and what each found, with the journal key; the sums are the last.
fn report(database: &Database) -> (Vec<Value>, Option<i32>) {
    let output = verify(&database.url(), &["--json", "--journal-key", JOURNAL_KEY]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (lines, output.status.code())
}

#[track_caller]
fn assert_clean(database: &Database) -> Vec<Value> {
    let (report, code) = report(database);
    let faulty: Vec<_> =
        report.iter().filter(|line| line["faults"] != json!([]) && line["check"].is_string()).collect();
    assert!(faulty.is_empty() && code == Some(0), "{code:?}: {faulty:#?}");
    report
}

both_engines! {
    fn a_marketplace_is_clean_and_every_fault_in_it_is_named(database) {
        let marketplace = Marketplace::make(database);
        let report = assert_clean(database);
        for line in &report {
            // Which of them has no rows is not checked.
            assert!(line["rows"].as_u64().unwrap() > 0, "{line}");
        }
        planted::every_fault_is_named(database, &marketplace);
    }

    fn a_running_server_is_verified_while_it_writes(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        actix_web::rt::System::new().block_on(async {
            let ana = crate::support::Person::register(&server.client(None), "ana", "consumer").await;
            let writing = async {
                loop {
                    ana.post("/entries", json!({"text": "meanwhile"})).await.ok();
                }
            };
            let url = database.url();
            let verifying = tokio::task::spawn_blocking(move || {
                (0..3).map(|_| verify(&url, &["--journal-key", JOURNAL_KEY])).collect::<Vec<_>>()
            });
            tokio::select! {
                () = writing => {},
                verified = verifying => {
                    for output in verified.unwrap() {
                        let told = String::from_utf8_lossy(&output.stdout).into_owned();
                        assert!(output.status.success() && told.contains("no faults"), "{told}");
                    }
                }
            }
        });
        assert!(server.terminate().success());
    }

    fn a_database_of_nobody_is_not_verified(database) {
        if let Database::Sqlite(_) = database {
            std::fs::write(database.url(), "not a database at all, whatever its name may say").unwrap();
        } else {
            planted::execute(database, "DROP TABLE __diesel_schema_migrations");
        }
        let output = verify(&database.url(), &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains("not a database of souk"), "{output:?}");
    }

    fn a_schema_of_another_age_is_not_verified(database) {
        assert!(Process::start("127.0.0.1:0", &database.url(), &[]).terminate().success());
        let latest = "(SELECT max(version) FROM __diesel_schema_migrations)";
        planted::execute(database, &format!("DELETE FROM __diesel_schema_migrations WHERE version = {latest}"));
        let older = verify(&database.url(), &[]);
        assert_eq!(older.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&older.stderr).contains("migrations missing: 1"), "{older:?}");
        planted::execute(database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')");
        let newer = verify(&database.url(), &[]);
        assert_eq!(newer.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&newer.stderr).contains("a newer souk made it"), "{newer:?}");
    }
}

#[test]
fn what_does_not_exist_is_not_made() {
    let database = sqlite_to_be();
    let output = verify(&database.url(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no database"), "{output:?}");
    assert!(!std::fs::exists(database.url()).unwrap());
}

#[test]
fn a_file_with_a_damaged_page_is_a_fault_and_a_backup_stays_as_it_is() {
    let database = Engine::Sqlite.database().unwrap();
    Marketplace::make(&database);
    let mut bytes = std::fs::read(database.url()).unwrap();
    let backup = format!("{}.backup", database.url());
    std::fs::write(&backup, &bytes).unwrap();
    let output = verify("data/never-used.db", &[&backup, "--journal-key", JOURNAL_KEY]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read(&backup).unwrap(), bytes, "verifying writes nothing");

    // Every page from the middle on, since not every page is in use.
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&backup, &bytes).unwrap();
    let output = verify("data/never-used.db", &[&backup]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("FAULT  integrity") && told.contains("the file"), "{told}");
}
