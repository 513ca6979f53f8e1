//! What was backed up is restored: everything that was acknowledged before the backup began, and nothing broken.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use futures_util::future::join_all;
use serde_json::json;

use crate::both_engines;
use crate::support::{Database, Engine, JOURNAL_KEY, Person, Process, eventually, refused, sqlite_to_be};

fn souk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).args(arguments).output().unwrap()
}

#[track_caller]
fn succeed(arguments: &[&str]) -> String {
    let output = souk(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Backs up the database by the tool of its engine, and restores it as a new one.
fn back_up_and_restore(database: &Database) -> Database {
    match database {
        Database::Sqlite(folder) => {
            let backup = folder.join("backup.db").display().to_string();
            succeed(&["backup", &backup, "--database-url", &database.url()]);
            let restored = sqlite_to_be();
            succeed(&["restore", &backup, "--database-url", &restored.url()]);
            restored
        }
        Database::Postgres(source) => {
            let restored = source.empty_sibling();
            let dump = std::env::temp_dir().join(format!("{}.dump", uuid::Uuid::new_v4()));
            let file = format!("--file={}", dump.display());
            source.run_tool("pg_dump", &["--format=custom", &file, &format!("--dbname={}", source.url)]);
            let to = format!("--dbname={}", restored.url);
            let dump = dump.display().to_string();
            source.run_tool("pg_restore", &["--exit-on-error", "--no-owner", &to, &dump]);
            std::fs::remove_file(dump).unwrap();
            Database::Postgres(restored)
        }
    }
}

const WRITERS: usize = 6;

both_engines! {
    fn a_backup_under_load_is_restored_with_all_that_was_acknowledged_before_it(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let system = actix_web::rt::System::new();
        let writers = system.block_on(async {
            let anyone = server.client(None);
            let names: Vec<_> = (0..WRITERS).map(|n| format!("writer{n}")).collect();
            join_all(names.iter().map(|name| Person::register(&anyone, name, "consumer"))).await
        });
        let (begin, begun) = std::sync::mpsc::sync_channel(1);
        let (acknowledged, restored) = std::thread::scope(|scope| {
            let restoring = scope.spawn(move || {
                begun.recv().unwrap();
                back_up_and_restore(database)
            });
            let counts: Vec<_> = writers.iter().map(|_| Cell::new(0)).collect();
            let write = async |(writer, count): (&Person, &Cell<usize>)| loop {
                let text = format!("entry {}", count.get());
                writer.post("/entries", json!({"text": text})).await.ok();
                count.set(count.get() + 1);
            };
            let directing = async {
                eventually(async || counts.iter().all(|count| count.get() >= 5)).await;
                let acknowledged: Vec<_> = counts.iter().map(Cell::get).collect();
                begin.send(()).unwrap();
                while !restoring.is_finished() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                assert!(counts.iter().zip(&acknowledged).any(|(now, then)| now.get() > *then), "nobody wrote meanwhile");
                acknowledged
            };
            let acknowledged = system.block_on(async {
                let writing = join_all(writers.iter().zip(&counts).map(write));
                let directing = tokio::time::timeout(Duration::from_secs(120), directing);
                tokio::select! {
                    _ = writing => unreachable!("writers do not end"),
                    acknowledged = directing => acknowledged.expect("it is restored in time"),
                }
            });
            (acknowledged, restoring.join().unwrap())
        });
        server.kill();

        let report = souk(&["verify", "--journal-key", JOURNAL_KEY, "--database-url", &restored.url()]);
        let told = String::from_utf8_lossy(&report.stdout).into_owned();
        assert!(report.status.success() && told.contains("no faults"), "{told}");
        let server = Process::start("127.0.0.1:0", &restored.url(), &[]);
        system.block_on(async {
            for (writer, acknowledged) in writers.iter().zip(acknowledged) {
                let texts = entries(&server, writer).await;
                for number in 0..acknowledged {
                    assert!(texts.contains(&format!("entry {number}")), "entry {number} of {acknowledged}: {texts:?}");
                }
            }
        });
        assert!(server.terminate().success());
    }
}

/// The texts of everything that somebody wrote.
async fn entries(server: &Process, who: &Person) -> Vec<String> {
    let client = server.client(who.token());
    let (mut texts, mut path) = (Vec::new(), "/entries?limit=100".to_owned());
    loop {
        let page = client.get(&path).await.ok();
        texts.extend(
            page["items"].as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/entries?limit=100&cursor={cursor}"),
            None => return texts,
        }
    }
}

/// A database with an entry of this text, whose server has stopped, and its writer.
fn database_with(text: &str) -> (Database, Person) {
    let database = Engine::Sqlite.database().unwrap();
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let ana = write(&server, "ana", text);
    assert!(server.terminate().success());
    (database, ana)
}

fn write(server: &Process, name: &str, text: &str) -> Person {
    actix_web::rt::System::new().block_on(async {
        let person = Person::register(&server.client(None), name, "consumer").await;
        person.post("/entries", json!({"text": text})).await.ok();
        person
    })
}

fn texts(url: &str, who: &Person) -> Vec<String> {
    let server = Process::start("127.0.0.1:0", url, &[]);
    let texts = actix_web::rt::System::new().block_on(entries(&server, who));
    assert!(server.terminate().success());
    texts
}

fn backup_of(database: &Database) -> String {
    let backup = format!("{}.backup", database.url());
    succeed(&["backup", &backup, "--database-url", &database.url()]);
    backup
}

fn names(of: &str) -> Vec<PathBuf> {
    let folder = Path::new(of).parent().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

#[test]
fn a_database_that_is_there_is_replaced_only_when_asked_and_kept_with_what_was_not_checkpointed() {
    let (source, ana) = database_with("in the backup");
    let backup = backup_of(&source);
    let target = sqlite_to_be();
    let server = Process::start("127.0.0.1:0", &target.url(), &[]);
    let ben = write(&server, "ben", "in the old one");
    let held = refused(&["restore", &backup, "--replace", "--database-url", &target.url()]);
    assert!(held.contains("is in use by another souk"), "{held}");
    server.kill();
    assert!(
        std::fs::metadata(format!("{}-wal", target.url())).unwrap().len() > 0,
        "the premise of this test"
    );

    let before = std::fs::read(target.url()).unwrap();
    let exists = refused(&["restore", &backup, "--database-url", &target.url()]);
    assert!(exists.contains("--replace"), "{exists}");
    assert_eq!(std::fs::read(target.url()).unwrap(), before);

    let told = succeed(&["restore", &backup, "--replace", "--database-url", &target.url()]);
    let aside = told.lines().find_map(|line| line.strip_prefix("the database that was there is kept as "));
    let aside = aside.unwrap_or_else(|| panic!("{told}"));
    for gone in ["-wal", "-shm"] {
        assert!(!std::fs::exists(format!("{}{gone}", target.url())).unwrap(), "{gone}");
    }
    let partial = names(&target.url()).iter().any(|name| name.display().to_string().ends_with(".partial"));
    assert!(!partial, "{:?}", names(&target.url()));
    assert_eq!(texts(&target.url(), &ana), ["in the backup"]);
    assert_eq!(texts(aside, &ben), ["in the old one"]);
}

#[test]
fn what_is_no_good_backup_is_refused_and_changes_nothing() {
    let (source, _) = database_with("in the backup");
    let backup = backup_of(&source);
    let target = sqlite_to_be();
    let to = target.url();
    let restore = |backup: &str| refused(&["restore", backup, "--database-url", &to]);

    assert!(restore("/no/such/file").contains("there is no backup"));
    let is_itself = refused(&["restore", &backup, "--replace", "--database-url", &backup]);
    assert!(is_itself.contains("is the database itself"), "{is_itself}");

    let damaged = format!("{backup}.damaged");
    let mut bytes = std::fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&damaged, &bytes).unwrap();
    assert!(restore(&damaged).contains("damaged"));
    std::fs::write(&damaged, &bytes[..bytes.len() / 3]).unwrap();
    restore(&damaged);
    std::fs::write(&damaged, "not a database").unwrap();
    assert!(restore(&damaged).contains("not a database of souk"));

    let newer = format!("{backup}.newer");
    std::fs::copy(&backup, &newer).unwrap();
    execute(&newer, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')");
    assert!(restore(&newer).contains("a newer souk made it"));

    let open = format!("{backup}.open");
    std::fs::copy(&backup, &open).unwrap();
    std::fs::write(format!("{open}-wal"), "frames").unwrap();
    assert!(restore(&open).contains("was not closed"));

    assert_eq!(names(&to), [PathBuf::from(format!("{to}.lock"))], "nothing but the lock file is left");
    succeed(&["restore", &backup, "--database-url", &to]);
}

#[test]
fn an_older_backup_is_migrated_by_the_next_start() {
    let database = sqlite_to_be();
    let older = database.url();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut folders = names(&migrations.join("any").display().to_string());
    folders.pop();
    execute(
        &older,
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    );
    for folder in folders {
        let version =
            folder.file_name().unwrap().to_str().unwrap().split('_').next().unwrap().replace('-', "");
        execute(&older, &std::fs::read_to_string(folder.join("up.sql")).unwrap());
        execute(&older, &format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
    }
    execute(
        &older,
        "INSERT INTO users (id, email, display_name, role, plan, is_active, token_epoch, version, created_at, updated_at) \
         VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 'ana@example.com', 'Ana', 'consumer', 'free', TRUE, 0, 1, 0, 0)",
    );

    let target = sqlite_to_be();
    let told = succeed(&["restore", &older, "--database-url", &target.url()]);
    assert!(told.contains("the next start runs 1 migrations"), "{told}");
    assert!(Process::start("127.0.0.1:0", &target.url(), &[]).terminate().success());
    assert!(succeed(&["user", "list", "--database-url", &target.url()]).contains("ana@example.com"));
}

fn execute(file: &str, sql: &str) {
    SqliteConnection::establish(file).unwrap().batch_execute(sql).unwrap();
}

#[test]
fn restoring_postgresql_is_left_to_its_own_tools() {
    let told = refused(&["restore", "/tmp/any", "--database-url", "postgres:///souk?host=/nowhere"]);
    assert!(told.contains("pg_restore"), "{told}");
}
