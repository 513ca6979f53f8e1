//! What is written in a journal is in no file, no table, no backup and no log.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{contains, everything, execute, files, souk};
use crate::both_engines;
use crate::support::{Database, Engine, Person, Process, eventually, id};

/// In every title, text and search of these tests, and nowhere else.
const MARKER: &str = "xylophonmarker";

/// Stored in the open: what the tests look for can be found.
const CONTROL: &str = "vibraphonmarker";

fn control() -> Value {
    json!({"category": "plumbing", "title": CONTROL, "budget": {"max": 20_000, "currency": "EUR"}})
}

fn assert_sealed(stored: &[u8], place: &str) {
    assert!(contains(stored, CONTROL), "{place}: not even the control is found");
    assert!(!contains(stored, MARKER), "{place}");
}

/// Writes, changes, searches and deletes, also with `Idempotency-Key`s, whose answers are stored.
async fn keep_a_journal(ana: &Person) {
    ana.post("/requests", control()).await.ok();
    for n in 0..3 {
        let form = json!({"title": format!("{MARKER} {n}"), "text": format!("Of the {MARKER}. {}", "Long. ".repeat(2_000))});
        let created = ana.post("/entries", form).key(&format!("create {n}")).await.ok();
        let entry = format!("/entries/{}", id(&created));
        let change = json!({"title": format!("{MARKER} changed"), "text": format!("{MARKER}: changed")});
        ana.patch(&entry, change.clone()).key(&format!("edit {n}")).await.ok();
        assert_eq!(ana.patch(&entry, change).key(&format!("edit {n}")).await.ok()["version"], 2);
        let found = ana.get(&format!("/entries?q={}", MARKER.to_uppercase())).await.ok();
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        let reflection =
            ana.post(&format!("{entry}/reflections"), json!({})).key(&format!("reflect {n}")).await;
        let reflection = reflection.header("location").unwrap().to_owned();
        eventually(async || ana.get(&reflection).await.ok()["status"] == "done").await;
        let told = ana.get(&reflection).await.ok();
        assert!(contains(told["text"].as_str().unwrap().as_bytes(), MARKER), "it quotes the entry: {told}");
        if n < 2 {
            assert_eq!(ana.delete(&entry).key(&format!("delete {n}")).await.status, 204);
        }
        // What is refused is not to be told, either.
        ana.post("/entries", json!({"title": MARKER, "text": ""})).await.refused(422);
        ana.post("/entries", json!({"text": MARKER, MARKER: 1})).await.refused(422);
        ana.get(&format!("/entries?q={MARKER}&limit={MARKER}")).await.refused(422);
    }
}

both_engines! {
    fn what_is_written_is_in_no_file_no_table_and_no_log(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &["--log-filter=trace"]);
        actix_web::rt::System::new().block_on(async {
            let ana = Person::register(&server.client(None), "ana", "consumer").await;
            let mut live = ana.live().await;
            keep_a_journal(&ana).await;
            live.event("entry.deleted").await;
        });
        assert_sealed(&everything(database), "while it is served");
        if let Database::Sqlite(folder) = database {
            assert!(folder.join("souk.db-wal").metadata().unwrap().len() > 0, "the write-ahead log was read, too");
            let copies = folder.join("copies");
            std::fs::create_dir(&copies).unwrap();
            let made = souk(database, &["backup", copies.join("copy.db").to_str().unwrap()]);
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            assert_sealed(&files(&copies), "in a backup");
            std::fs::remove_dir_all(copies).unwrap();
        }
        let mut log = server.first_lines.join("\n");
        log += &server.terminate_and_tell().join("\n");
        assert!(log.contains("\"TRACE\"") && log.contains("/entries"), "the log tells of the calls");
        let telling: Vec<_> = log.lines().filter(|line| line.to_lowercase().contains(MARKER)).collect();
        assert!(telling.is_empty(), "{telling:#?}");
        assert_sealed(&everything(database), "when it has stopped");
    }

    fn what_an_older_version_wrote_in_the_open_is_sealed_at_start(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let system = actix_web::rt::System::new();
        let ana = system.block_on(async {
            let ana = Person::register(&server.client(None), "ana", "consumer").await;
            ana.post("/requests", control()).await.ok();
            ana
        });
        assert!(server.terminate().success());
        let (entry, other) = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058");
        let form = json!({"text": format!("of the {MARKER}")});
        let body = Sha256::digest(form.to_string());
        let call = [&b"POST\0/entries\0"[..], body.as_slice()].concat();
        let hash: String = Sha256::digest(call).iter().map(|byte| format!("{byte:02x}")).collect();
        let row = |id: &str, title: &str| {
            format!(
                "INSERT INTO entries (id, user_id, title, text, version, created_at, updated_at) \
                 VALUES ('{id}', '{}', {title}, 'of the {MARKER} {}', 3, 1, 2);",
                ana.id,
                "Long. ".repeat(2_000),
            )
        };
        let at = "2026-01-01T00:00:00Z";
        let stored = json!({
            "id": entry, "room": format!("entry:{entry}"), "title": MARKER, "text": MARKER, "version": 1,
            "created_at": at, "updated_at": at,
        });
        let answer = format!(
            "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, location, etag, body, created_at) \
             VALUES ('{}', 'k1', '{hash}', 201, '/entries/{entry}', '1', '{stored}', {});",
            ana.id,
            i64::MAX,
        );
        execute(database, &(row(entry, &format!("'{MARKER}'")) + &row(other, "NULL") + &answer));
        if matches!(database, Database::Sqlite(_)) {
            // Freed pages, which no row shows any more, as the older version left them.
            let freed = row("01890a5d-ac96-774b-bcce-b302099a8059", "NULL");
            execute(database, &format!("{freed} DELETE FROM entries WHERE id LIKE '%8059'; PRAGMA user_version = 0"));
        }
        assert!(contains(&everything(database), MARKER));

        let server = Process::start("127.0.0.1:0", &database.url(), &["--log-filter=info"]);
        let told = server.first_lines.iter().any(|line| line.contains("entries of an older version are sealed"));
        assert!(told, "{:#?}", server.first_lines);
        assert_sealed(&everything(database), "after the start");
        system.block_on(async {
            let ana = server.client(ana.token());
            let page = ana.get("/entries").await.ok();
            let read: Vec<_> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| (entry["title"].as_str(), entry["version"].as_i64().unwrap()))
                .collect();
            assert_eq!(read, [(None, 3), (Some(MARKER), 3)], "{page}");
            assert!(page["items"][0]["text"].as_str().unwrap().starts_with(&format!("of the {MARKER} Long.")));
            let replayed = ana.post("/entries", form).key("k1").await;
            assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
            assert_eq!(replayed.json(), stored);
        });
        assert!(server.terminate().success());
        assert_sealed(&everything(database), "when it has stopped");
    }

    fn contents_that_change_places_do_not_open_and_the_log_names_the_entry(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let ids = actix_web::rt::System::new().block_on(async {
            let ana = Person::register(&server.client(None), "ana", "consumer").await;
            let mut ids = Vec::new();
            for text in ["one", "two"] {
                ids.push(id(&ana.post("/entries", json!({"text": text})).await.ok()).to_owned());
            }
            let other = "(SELECT other.text FROM entries AS other WHERE other.id <> entries.id)";
            execute(database, &format!("UPDATE entries SET title = {other}; UPDATE entries SET text = title, title = NULL"));
            for entry in &ids {
                ana.get(&format!("/entries/{entry}")).await.refused(500);
            }
            ids
        });
        let log = server.terminate_and_tell();
        for entry in ids {
            let of_it = log.iter().filter(|line| line.contains("does not open") && line.contains(&entry));
            assert_eq!(of_it.count(), 1, "{log:#?}");
        }
    }
}

#[test]
fn a_backup_that_is_restored_needs_the_key() {
    let database = Engine::Sqlite.database().unwrap();
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let system = actix_web::rt::System::new();
    let ana = system.block_on(async {
        let ana = Person::register(&server.client(None), "ana", "consumer").await;
        ana.post("/entries", json!({"text": "kept"})).await.ok();
        ana
    });
    let copy = format!("{}.copy", database.url());
    assert!(souk(&database, &["backup", &copy]).status.success());
    server.kill();
    let restored = Process::start("127.0.0.1:0", &copy, &[]);
    system.block_on(async {
        assert_eq!(restored.client(ana.token()).get("/entries").await.ok()["items"][0]["text"], "kept");
    });
    restored.kill();
    // In development, a key of its own would be made beside the copy.
    let refused = crate::support::refused(&["serve", "--bind=127.0.0.1:0", "--database-url", &copy]);
    assert!(refused.contains("sealed with the journal key"), "{refused}");
}
