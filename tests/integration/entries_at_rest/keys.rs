//! The journal key: the wrong one is refused, and it can be rotated.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{execute, souk};
use crate::both_engines;
use crate::support::{
    Client, Database, Engine, JOURNAL_KEY, JWT_SECRET, Person, Process, refused, sqlite_to_be,
};

const OTHER: &str = "0b9d3f71c2e84a56d9187e4fb06c23a5f7e1480d6b92c35ea8047f1d2c96b3e8";

/// The id of a key in hex.
fn key_id(hex: &str) -> String {
    let bytes: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A temporary file with a key.
fn file(key: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{key}\n")).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

/// Registers somebody who writes an entry; returns their token.
fn journal_of_ana(server: &Process) -> String {
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&server.client(None), "ana", "consumer").await;
        ana.post("/entries", json!({"title": "Monday", "text": "Slept badly."})).await.ok();
        ana.token().unwrap().to_owned()
    })
}

/// Asserts that the entries can be read and that more can be written.
fn assert_readable(server: &Process, token: &str) {
    actix_web::rt::System::new().block_on(async {
        let ana: Client = server.client(Some(token));
        let page = ana.get("/entries?limit=100").await.ok();
        let oldest = page["items"].as_array().unwrap().last().unwrap();
        assert_eq!((&oldest["title"], &oldest["text"]), (&json!("Monday"), &json!("Slept badly.")));
        ana.post("/entries", json!({"text": "More."})).await.ok();
    });
}

fn not_served(database: &Database, flags: &[&str]) -> String {
    let common =
        ["serve", "--bind=127.0.0.1:0", "--jwt-secret", JWT_SECRET, "--database-url", &database.url()];
    refused(&[&common, flags].concat())
}

/// Rotates the key; returns what the command says.
fn rotated(database: &Database, flags: &[&str]) -> String {
    let output = souk(database, &[&["rotate-journal-key"], flags].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

both_engines! {
    fn journals_are_served_with_the_key_that_sealed_them_alone(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &["--journal-key", OTHER]);
        let ana = journal_of_ana(&server);
        assert!(server.terminate().success());
        let output = not_served(database, &["--journal-key", JOURNAL_KEY]);
        for named in [&key_id(OTHER), &key_id(JOURNAL_KEY), "--journal-key-file (SOUK_JOURNAL_KEY_FILE)"] {
            assert!(output.contains(named), "{named}: {output}");
        }
        assert!(!output.contains(OTHER) && !output.contains(JOURNAL_KEY));
        let given = file(OTHER);
        assert_readable(&Process::start("127.0.0.1:0", &database.url(), &["--journal-key-file", path(&given)]), &ana);
    }

    fn a_key_is_rotated_and_the_old_one_is_good_for_nothing(database) {
        let (old, new) = (file(JOURNAL_KEY), file(OTHER));
        let server = Process::start("127.0.0.1:0", &database.url(), &["--journal-key-file", path(&old)]);
        let ana = journal_of_ana(&server);
        assert!(server.terminate().success());
        let flags = ["--journal-key-file", path(&old), "--new-journal-key-file", path(&new)];
        let output = rotated(database, &flags);
        assert!(output.starts_with("1 data keys are sealed") && output.contains(&key_id(OTHER)), "{output}");
        assert!(output.contains("--journal-key-file"), "what to do: {output}");
        // Again, as after a crash: with the old key and with the new one.
        assert!(rotated(database, &flags).starts_with("0 data keys are sealed"));
        let again = ["--journal-key-file", path(&new), "--new-journal-key-file", path(&new)];
        assert!(rotated(database, &again).starts_with("0 data keys are sealed"));

        assert!(not_served(database, &["--journal-key-file", path(&old)]).contains(&key_id(OTHER)));
        assert_readable(&Process::start("127.0.0.1:0", &database.url(), &["--journal-key-file", path(&new)]), &ana);
        // A third key can rotate nothing.
        let third = OTHER.replace('0', "1");
        let refused = souk(database, &["rotate-journal-key", "--journal-key", &third, "--new-journal-key-file", path(&old)]);
        let refused = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.contains(&key_id(OTHER)) && refused.contains(&key_id(&third)), "{refused}");
        let unnamed = souk(database, &["rotate-journal-key", "--journal-key-file", path(&new)]);
        assert!(String::from_utf8(unnamed.stderr).unwrap().contains("--new-journal-key-file"));
        assert_readable(&Process::start("127.0.0.1:0", &database.url(), &["--journal-key-file", path(&new)]), &ana);
    }

    fn data_keys_of_different_users_are_rotated_together_or_not_at_all(database) {
        let new = file(OTHER);
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let ana = journal_of_ana(&server);
        actix_web::rt::System::new().block_on(async {
            let eve = Person::register(&server.client(None), "eve", "consumer").await;
            eve.post("/entries", json!({"text": "Hers."})).await.ok();
        });
        assert!(server.terminate().success());
        let flags = ["--journal-key", JOURNAL_KEY, "--new-journal-key-file", path(&new)];
        // The last data key does not open: the first one must not be sealed anew.
        let last = "(SELECT max(user_id) FROM journal_keys)";
        execute(database, &format!("UPDATE journal_keys SET sealed_key = sealed_key || 'A' WHERE user_id = {last}"));
        let failed = souk(database, &[&["rotate-journal-key"], &flags[..]].concat());
        assert!(!failed.status.success() && String::from_utf8(failed.stderr).unwrap().contains("does not open"));
        let mended = "substr(sealed_key, 1, length(sealed_key) - 1)";
        execute(database, &format!("UPDATE journal_keys SET sealed_key = {mended} WHERE user_id = {last}"));
        assert_readable(&Process::start("127.0.0.1:0", &database.url(), &[]), &ana);
        assert!(rotated(database, &flags).starts_with("2 data keys are sealed"));
        assert_readable(&Process::start("127.0.0.1:0", &database.url(), &["--journal-key", OTHER]), &ana);
    }
}

#[test]
fn a_key_is_not_rotated_under_a_running_server() {
    let database = Engine::Sqlite.database().unwrap();
    let server = Process::start("127.0.0.1:0", &database.url(), &[]);
    let new = file(OTHER);
    let flags = ["rotate-journal-key", "--journal-key", JOURNAL_KEY, "--new-journal-key-file", path(&new)];
    let refused = souk(&database, &flags);
    let output = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && output.contains(&server.pid().to_string()), "{output}");
}

#[test]
fn development_makes_and_keeps_a_key_and_rotates_it_whenever_it_crashes() {
    let database = sqlite_to_be();
    let kept = PathBuf::from(format!("{}.journal-key", database.url()));
    let next = PathBuf::from(format!("{}.journal-key.new", database.url()));
    let serve = || Process::start_with_kept_key("127.0.0.1:0", &database.url(), &[]);
    let nowhere = souk(&database, &["rotate-journal-key"]);
    assert!(String::from_utf8(nowhere.stderr).unwrap().contains("there is no database"));
    assert!(!kept.exists());
    let server = serve();
    let ana = journal_of_ana(&server);
    assert!(server.terminate().success());
    let first = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(first.trim().len(), 64);

    assert!(rotated(&database, &[]).starts_with("1 data keys are sealed"));
    let second = std::fs::read_to_string(&kept).unwrap();
    assert!(first != second && !next.exists());
    let server = serve();
    assert_readable(&server, &ana);
    assert!(server.terminate().success());

    // As if the rotation had ended after its commit and before the new key took its place.
    std::fs::rename(&kept, &next).unwrap();
    std::fs::write(&kept, &first).unwrap();
    let server = serve();
    assert_readable(&server, &ana);
    assert!(server.terminate().success());
    assert!(std::fs::read_to_string(&kept).unwrap() == second && !next.exists());
    // The same, and the command is run again.
    std::fs::rename(&kept, &next).unwrap();
    std::fs::write(&kept, &first).unwrap();
    assert!(rotated(&database, &[]).starts_with("0 data keys are sealed"));
    assert!(std::fs::read_to_string(&kept).unwrap() == second && !next.exists());

    // As if it had ended before its commit.
    std::fs::write(&next, OTHER).unwrap();
    let server = serve();
    assert_readable(&server, &ana);
    assert!(server.terminate().success());
    assert!(rotated(&database, &[]).contains(&key_id(OTHER)));
    assert_readable(&serve(), &ana);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), OTHER);
}
