//! One SQLite file, one server: exclusive while it runs, and a single complete file when it stops.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::json;

use crate::both_engines;
use crate::support::{Database, JWT_SECRET, Person, Process, refused, sqlite_to_be};

fn souk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).args(arguments).output().unwrap()
}

fn file(database: &Database) -> PathBuf {
    PathBuf::from(database.url())
}

/// The error of `souk serve` when it refuses this database.
fn not_served(url: &str) -> String {
    refused(&["serve", "--bind=127.0.0.1:0", "--jwt-secret", JWT_SECRET, "--database-url", url])
}

fn execute(file: &Path, sql: &str) {
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_server_that_stopped_leaves_everything_in_one_file() {
    let database = sqlite_to_be();
    let file = file(&database);
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let text = "kept ".repeat(500);
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&server.client(None), "ana", "consumer").await;
        ana.post("/requests", json!({"category": "plumbing", "title": "Drips", "description": text, "budget": {"max": 20_000, "currency": "EUR"}})).await.ok();
        ana.get("/requests").await.ok();
    });
    assert!(server.terminate().success());
    // The lock file remains, empty.
    assert_eq!(names(file.parent().unwrap()), ["souk.db", "souk.db.lock"]);
    assert_eq!(std::fs::metadata(file.with_extension("db.lock")).unwrap().len(), 0);
    // A copy of the one file is complete.
    let copied = file.with_file_name("copied.db");
    std::fs::copy(&file, &copied).unwrap();
    let found = std::fs::read(&copied).unwrap();
    assert!(
        found.windows(200).any(|window| window == &text.as_bytes()[..200]),
        "the request is in the file itself"
    );
    let minted = souk(&[
        "token",
        "--user=ana@example.com",
        "--jwt-secret",
        JWT_SECRET,
        "--database-url",
        copied.to_str().unwrap(),
    ]);
    assert!(minted.status.success(), "{}", String::from_utf8_lossy(&minted.stderr));
}

#[test]
fn a_second_server_on_the_same_file_is_told_who_has_it() {
    let database = sqlite_to_be();
    let file = file(&database);
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let folder = file.parent().unwrap();
    let link = folder.join("link.db");
    std::os::unix::fs::symlink("souk.db", &link).unwrap();
    let around = folder.join("..").join(folder.file_name().unwrap()).join("souk.db");
    for name in [&file, &link, &around] {
        let output = not_served(name.to_str().unwrap());
        assert!(output.contains("souk.db"), "{output}");
        assert!(output.contains(&server.pid().to_string()), "{output}");
        assert!(output.contains("--database-url"), "what to do: {output}");
    }
    server.kill();
    // The lock ends with the process that holds it.
    let next = Process::start("127.0.0.1:0", link.to_str().unwrap(), &[]);
    assert!(not_served(file.to_str().unwrap()).contains(&next.pid().to_string()));
    assert!(next.terminate().success());
}

#[test]
fn tools_work_beside_a_server_where_that_is_safe() {
    let database = sqlite_to_be();
    let url = database.url();
    let server = Process::start("127.0.0.1:0", &url, &[]);
    let runtime = actix_web::rt::System::new();
    let ana = runtime.block_on(Person::register(&server.client(None), "ana", "consumer"));

    let minted =
        souk(&["token", "--user=ana@example.com", "--jwt-secret", JWT_SECRET, "--database-url", &url]);
    assert!(minted.status.success(), "{}", String::from_utf8_lossy(&minted.stderr));
    let token = String::from_utf8(minted.stdout).unwrap();
    let me = runtime.block_on(async { server.client(Some(token.trim())).get("/auth/me").await.ok() });
    assert_eq!(me["id"], ana.id.as_str());
    assert!(souk(&["check-config", "--database-url", &url]).status.success());

    let migrated = souk(&["migrate", "--database-url", &url]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    assert!(String::from_utf8(migrated.stdout).unwrap().contains("is up to date"));

    // As if the running server had a migration unknown to this binary.
    let newest = "(SELECT max(version) FROM __diesel_schema_migrations)";
    execute(&file(&database), &format!("DELETE FROM __diesel_schema_migrations WHERE version = {newest}"));
    for command in [&["migrate"][..], &["token", "--user=ana@example.com", "--jwt-secret", JWT_SECRET]] {
        let output = refused(&[command, &["--database-url", &url]].concat());
        assert!(output.contains(&server.pid().to_string()) && output.contains("stop"), "{output}");
    }
    assert!(server.terminate().success());
}

both_engines! {
    fn a_schema_that_a_newer_souk_made_is_not_served(database) {
        Process::start("127.0.0.1:0", &database.url(), &[]).kill();
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
        match database {
            Database::Sqlite(folder) => execute(&folder.join("souk.db"), newer),
            Database::Postgres(database) => {
                diesel::PgConnection::establish(&database.url).unwrap().batch_execute(newer).unwrap();
            }
        }
        let output = not_served(&database.url());
        assert!(output.contains("20991231000000") && output.contains("newer souk"), "{output}");
        let output = refused(&["migrate", "--database-url", &database.url()]);
        assert!(output.contains("20991231000000") && output.contains("newer souk"), "{output}");
    }
}
