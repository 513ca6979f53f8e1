//! `souk user`: the first admin of a new server, and managing users beside a running server.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, Database, PASSWORD, Person, Process, Socket, sqlite_to_be, usual_request};

const ROOT: &str = "root@example.com";

/// Runs `souk user …` on a database with this standard input.
fn user(database: &Database, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_souk"))
        .arg("user")
        .args(arguments)
        .args(["--database-url", &database.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // If it ended without reading, its output tells why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs a command that must succeed; returns its standard output.
#[track_caller]
fn done(database: &Database, arguments: &[&str]) -> String {
    let output = user(database, arguments, PASSWORD);
    let (stdout, complaint) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {stdout} {complaint}");
    stdout
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Arguments that add a user with the password `PASSWORD`.
fn add<'a>(email: &'a str, role: &'a str) -> [&'a str; 9] {
    ["add", "--email", email, "--name", "Root", "--role", role, "--password-file", "-"]
}

async fn log_in(anyone: &Client, email: &str, password: &str) -> Person {
    let tokens = anyone.post("/auth/token", json!({"email": email, "password": password})).await.ok();
    Person::of(anyone.with_token(tokens["access_token"].as_str().unwrap())).await
}

fn run(test: impl Future<Output = ()>) {
    actix_web::rt::System::new().block_on(test);
}

fn server(database: &Database) -> Process {
    Process::start("127.0.0.1:0", &database.url(), &[])
}

both_engines! {
    fn a_new_server_says_how_to_get_its_first_admin_and_gets_it_while_it_runs(database) {
        run(async {
            let first = server(database);
            let stdout = first.first_lines.join("\n");
            assert!(stdout.contains("souk user add --email"), "{stdout}");
            let added = done(database, &add(ROOT, "admin"));
            assert!(added.starts_with("added root@example.com (admin), id "), "{added}");

            let root = log_in(&first.client(None), ROOT, PASSWORD).await;
            let users = root.get("/admin/users").await.ok();
            assert_eq!(users["items"][0]["role"], "admin");
            let trail = root.get(&format!("/admin/audit?kind=user&row={}", root.id)).await.ok();
            let entry = &trail["items"][0];
            assert_eq!((&entry["action"], &entry["outcome"]), (&json!("add"), &json!("done")));
            assert_eq!((&entry["actor"], &entry["detail"]), (&Value::Null, &json!("command line: admin")));
            drop(first);

            let second = server(database);
            let stdout = second.first_lines.join("\n");
            assert!(!stdout.contains("souk user add"), "{stdout}");
        });
    }

    fn a_generated_password_is_printed_alone_and_lets_in(database) {
        run(async {
            let added = user(
                database,
                &["add", "--email", ROOT, "--name", "Root", "--role", "admin", "--generate-password"],
                "",
            );
            assert!(added.status.success(), "{}", text(&added.stderr));
            let password = text(&added.stdout);
            assert_eq!(password.trim().len(), 24, "{password}");
            assert!(!text(&added.stderr).contains(password.trim()));
            log_in(&server(database).client(None), ROOT, password.trim()).await;
        });
    }

    fn who_is_suspended_beside_a_running_server_is_cut_off_there(database) {
        run(async {
            let server = server(database);
            let anyone = server.client(None);
            let ana = Person::register(&anyone, "ana", "consumer").await;
            let ben = Person::register(&anyone, "ben", "provider").await;
            let (mut of_ana, mut of_ben) = (ana.live().await, ben.live().await);
            let request = ana.post("/requests", usual_request()).await.ok();

            let stdout = done(database, &["suspend", "ana@example.com", "--reason", "spam"]);
            assert_eq!(stdout, "ana@example.com is suspended\n");
            ana.get("/auth/me").await.refused(401);
            assert_eq!(of_ana.closed().await.code, 4002);

            let request = ben.get(&format!("/requests/{}", request["id"].as_str().unwrap())).await;
            assert_eq!(request.status, 403, "closed, and nothing to see for a provider: {request}");
            let stdout = done(database, &["reinstate", "ana@example.com", "--reason", "a mistake"]);
            assert_eq!(stdout, "ana@example.com may log in\n");
            ana.get("/auth/me").await.refused(401);
            let again = log_in(&anyone, "ana@example.com", PASSWORD).await;
            again.live().await;

            done(database, &add(ROOT, "admin"));
            let root = log_in(&anyone, ROOT, PASSWORD).await;
            let trail = root.get(&format!("/admin/audit?kind=user&row={}&outcome=done", ana.id)).await.ok();
            let details: Vec<_> = trail["items"].as_array().unwrap().iter().map(|row| &row["detail"]).collect();
            assert_eq!(details, ["command line: a mistake", "command line: spam"]);
            assert!(trail["items"].as_array().unwrap().iter().all(|row| row["actor"].is_null()));

            of_ben.send(json!({"type": "ping"})).await;
            of_ben.recv("pong").await;
        });
    }

    fn who_gets_another_role_beside_a_running_server_starts_anew_there(database) {
        run(async {
            let server = server(database);
            let anyone = server.client(None);
            let ana = Person::register(&anyone, "ana", "consumer").await;
            let mut live = ana.live().await;
            let stdout = done(database, &["role", "Ana@Example.com", "admin"]);
            assert_eq!(stdout, "ana@example.com has the role admin\n");
            assert_eq!(live.closed().await.code, 4001);
            let admin = log_in(&anyone, "ana@example.com", PASSWORD).await;
            admin.get("/admin/users").await.ok();
            // A session that was rechecked against its row remains connected.
            let mut live = Socket::connect(server.address, &admin.live_path()).await;
            live.recv("connection_established").await;
            live.ack(json!({"type": "join", "room": "admin"})).await;
            done(database, &["role", "ana@example.com", "admin"]);
            live.ack(json!({"type": "leave", "room": "admin"})).await;
        });
    }

    fn the_last_active_admin_stays_one(database) {
        done(database, &add(ROOT, "admin"));
        let other = "other@example.com";
        for refused in [&["suspend", ROOT, "--reason", "x"][..], &["role", ROOT, "consumer"]] {
            let output = user(database, refused, "");
            assert_eq!(output.status.code(), Some(1), "{refused:?}");
            assert_eq!(text(&output.stderr), "root@example.com: this is the last active admin\n");
        }
        done(database, &add(other, "admin"));
        done(database, &["suspend", ROOT, "--reason", "x"]);
        assert_eq!(user(database, &["suspend", other, "--reason", "x"], "").status.code(), Some(1));
    }

    fn users_are_listed_for_people_and_for_programs(database) {
        done(database, &add(ROOT, "admin"));
        done(database, &add("ana@example.com", "consumer"));
        done(database, &["suspend", "ana@example.com", "--reason", "x"]);
        let listed = done(database, &["list"]);
        assert_eq!(listed.lines().count(), 2, "{listed}");
        assert!(listed.lines().next().unwrap().contains("suspended  ana@example.com  Root"), "{listed}");
        let admins = done(database, &["list", "--role=admin", "--json"]);
        let admin: Value = serde_json::from_str(&admins).unwrap();
        assert_eq!((&admin["email"], &admin["is_active"]), (&json!(ROOT), &json!(true)));
    }

    fn mistakes_are_told_in_a_sentence(database) {
        done(database, &add(ROOT, "admin"));
        let mistakes: [(&[&str], &str, i32, &str); 9] = [
            (&add("nowhere", "admin"), PASSWORD, 2, "must be an email address"),
            (&add("ana@example.com", "root"), PASSWORD, 2, "must be one of consumer, provider, admin"),
            (&add(ROOT, "admin"), PASSWORD, 1, "this email address is registered already"),
            (&add("ana@example.com", "consumer"), "short", 1, "the password must have 8 to 128 characters"),
            (&add("ana@example.com", "consumer"), &"x".repeat(5000), 1, "over 4 KiB"),
            (&add("ana@example.com", "consumer")[..7], "", 1, "no terminal"),
            (&["suspend", "nobody@example.com", "--reason", "x"], "", 1, "there is no user nobody@example.com"),
            (&["suspend", ROOT], "", 2, "--reason"),
            (&["role", ROOT, "king"], "", 2, "must be one of consumer, provider, admin"),
        ];
        for (arguments, input, code, named) in mistakes {
            let output = user(database, arguments, input);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
            assert!(stderr.contains(named) && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
            assert!(!stderr.contains(PASSWORD));
        }
    }
}

#[test]
fn a_mistyped_path_does_not_make_a_database() {
    let database = sqlite_to_be();
    let output = user(&database, &["list"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("there is no database "), "{}", text(&output.stderr));
    assert!(!std::path::Path::new(&database.url()).exists());
}
