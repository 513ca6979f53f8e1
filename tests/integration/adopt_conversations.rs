//! `souk adopt-conversations`: conversations that an older system kept under a user who stood for nobody.

use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;

use crate::both_engines;
use crate::support::{Database, Person, Process, eventually, id};

fn souk(database: &Database, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command.args(arguments).args(["--database-url", &database.url()]).output().unwrap()
}

fn adopt(database: &Database, user: &str, more: &[&str]) -> Output {
    souk(database, &[&["adopt-conversations", "--placeholder", user], more].concat())
}

#[track_caller]
fn done(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(database: &Database, from: &str) -> i64 {
    let sql = diesel::sql_query(format!("SELECT COUNT(*) AS count FROM {from}"));
    let counted: Count = match database {
        Database::Sqlite(_) => sql.get_result(&mut SqliteConnection::establish(&database.url()).unwrap()),
        Database::Postgres(database) => sql.get_result(&mut PgConnection::establish(&database.url).unwrap()),
    }
    .unwrap();
    counted.count
}

fn refuses(database: &Database, sql: &str) -> bool {
    match database {
        Database::Sqlite(_) => {
            let mut connection = SqliteConnection::establish(&database.url()).unwrap();
            connection.batch_execute(&format!("PRAGMA foreign_keys = ON; {sql}")).is_err()
        }
        Database::Postgres(database) => {
            PgConnection::establish(&database.url).unwrap().batch_execute(sql).is_err()
        }
    }
}

/// A conversation with a message and its answer.
async fn talk(who: &Person) -> String {
    let conversation = id(&who.post("/conversations", json!({"title": "Old"})).await.ok()).to_owned();
    let path = format!("/conversations/{conversation}/messages");
    let sent = who.post(&path, json!({"text": "Hello there."})).await;
    let answer = sent.header("location").unwrap().to_owned();
    eventually(async || who.get(&answer).await.ok()["status"] == "done").await;
    conversation
}

both_engines! {
    fn what_was_nobodys_is_deleted_or_archived_and_nothing_can_be_nobodys_again(database) {
        let server = Process::start("127.0.0.1:0", &database.url(), &["--free-messages-per-day=1000"]);
        actix_web::rt::System::new().block_on(async {
            let anyone = server.client(None);
            let ana = Person::register(&anyone, "ana", "consumer").await;
            let kept = talk(&ana).await;
            for (name, wanted) in [("ghost", "--delete"), ("shade", "--mark")] {
                let ghost = Person::register(&anyone, name, "consumer").await;
                talk(&ghost).await;
                talk(&ghost).await;
                let complaint = refused(&adopt(database, &ghost.id, &[wanted]));
                assert!(complaint.contains("is active"), "{complaint}");
                let email = format!("{name}@example.com");
                done(&souk(database, &["user", "suspend", &email, "--reason", "a placeholder"]));
                let before = count(database, "conversations");
                let told = done(&adopt(database, &ghost.id, &[wanted]));
                assert!(told.starts_with("2 conversations (4 messages, 0 masterplans)"), "{told}");
                assert!(told.contains("nothing was changed"), "{told}");
                assert_eq!(count(database, "conversations"), before);
                let told = done(&adopt(database, &ghost.id, &[wanted, "--yes"]));
                assert!(told.contains("the user is deleted"), "{told}");
                assert_eq!(count(database, "conversations"), before - 2);
                let own = format!("users WHERE id = '{}'", ghost.id);
                assert_eq!(count(database, &own), 0);
                let row = format!(
                    "INSERT INTO conversations (id, user_id, title, is_default, version, created_at, updated_at) \
                     VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', '{}', NULL, FALSE, 1, 1, 1)",
                    ghost.id
                );
                assert!(refuses(database, &row), "a foreign key keeps it so");
                assert!(done(&adopt(database, &ghost.id, &[wanted, "--yes"])).contains("there is no user"), "again");
            }
            assert_eq!(count(database, "archived_conversations"), 2);
            assert_eq!(count(database, "archived_messages"), 4);
            assert_eq!(count(database, "events WHERE room LIKE 'conversation:%'"), 2, "ana's");
            let page = ana.get(&format!("/conversations/{kept}/messages")).await.ok();
            assert_eq!(page["items"].as_array().unwrap().len(), 2, "what has an owner stays, beside a running server");

            let eve = Person::register(&anyone, "eve", "consumer").await;
            eve.post("/entries", json!({"text": "Slept badly."})).await.ok();
            talk(&eve).await;
            done(&souk(database, &["user", "suspend", "eve@example.com", "--reason", "for the test"]));
            let complaint = refused(&adopt(database, &eve.id, &["--delete", "--yes"]));
            assert!(complaint.contains("no mere placeholder") && complaint.contains("1 in entries"), "{complaint}");
            refused(&adopt(database, &eve.id, &[]));
            refused(&adopt(database, &eve.id, &["--delete", "--mark"]));
        });
        assert!(server.terminate().success());
    }
}
