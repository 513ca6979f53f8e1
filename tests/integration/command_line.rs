//! The command-line interface of the binary, as users and scripts call it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Client, Engine, JOURNAL_KEY, Socket, kill_afterwards};

fn souk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).args(arguments).output().unwrap()
}

#[test]
fn check_config_says_what_is_in_force_and_no_secret() {
    let secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let checked =
        souk(&["check-config", "--env=production", "--jwt-secret", secret, "--journal-key", JOURNAL_KEY]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let output = String::from_utf8(checked.stdout).unwrap();
    assert!(output.contains("SOUK_ENV = production"), "{output}");
    assert!(output.contains("SOUK_JWT_SECRET = ***"), "{output}");
    assert!(output.contains("SOUK_JOURNAL_KEY = ***"), "{output}");
    assert!(!output.contains(secret) && !output.contains(JOURNAL_KEY));
}

#[test]
fn a_bad_configuration_is_refused_with_the_flag_and_the_variable() {
    for (arguments, named) in [
        (vec!["check-config", "--env=production"], "--jwt-secret (SOUK_JWT_SECRET)"),
        (vec!["check-config", "--env=production"], "--journal-key (SOUK_JOURNAL_KEY) is missing"),
        (vec!["serve", "--journal-key=too-short"], "--journal-key (SOUK_JOURNAL_KEY) must be 32 bytes"),
        (vec!["serve", "--env=production", "--jwt-secret=too-short"], "--jwt-secret (SOUK_JWT_SECRET)"),
        (vec!["serve", "--heartbeat-interval=2h"], "--heartbeat-interval (SOUK_HEARTBEAT_INTERVAL)"),
        (vec!["serve", "--bind=nowhere"], "SOUK_BIND"),
        (vec!["demo", "--env=production"], "SOUK_ENV=production"),
        (vec!["check-config", "--issuers=Cargo.toml"], "--issuers (SOUK_ISSUERS)"),
        (vec!["check-config", "--issuers=/no/such/file"], "--issuers (SOUK_ISSUERS)"),
    ] {
        let refused = souk(&arguments);
        assert!(!refused.status.success(), "{arguments:?}");
        let output = String::from_utf8(refused.stderr).unwrap();
        assert!(output.contains(named), "{arguments:?}: {output}");
    }
}

#[test]
fn a_token_is_minted_for_who_is_there() {
    let database = Engine::Sqlite.database().unwrap();
    let kept = format!("{}.kept", database.url());
    let demo = Demo::start(&["--keep", &kept]);
    drop(demo);
    let minted = souk(&["token", "--user=ana@souk.example", "--ttl=1h", "--database-url", &kept]);
    assert!(minted.status.success(), "{}", String::from_utf8_lossy(&minted.stderr));
    let token = String::from_utf8(minted.stdout).unwrap();
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    let unknown = souk(&["token", "--user=nobody@souk.example", "--database-url", &kept]);
    assert!(!unknown.status.success());
    let again = souk(&["demo", "--keep", &kept]);
    assert!(!again.status.success(), "demo does not fill a database that exists");
    std::fs::remove_file(kept).unwrap();
}

#[actix_web::test]
async fn the_demo_lets_everybody_be_who_it_says() {
    let demo = Demo::start(&[]);
    let story = &demo.story;
    let address = story["base_url"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let users = story["users"].as_array().unwrap();
    let of_role = |role: &str| users.iter().filter(|user| user["role"] == role).count();
    assert_eq!((of_role("consumer"), of_role("provider"), of_role("admin")), (3, 2, 2));
    for user in users {
        let client = Client::new(address, user["access_token"].as_str().map(str::to_owned));
        let credentials = json!({"email": user["email"], "password": user["password"]});
        let logged_in = Client::new(address, None).post("/auth/token", credentials).await;
        if user["is_active"] == true {
            let me = client.get("/auth/me").await.ok();
            assert_eq!((&me["id"], &me["role"]), (&user["id"], &user["role"]));
            assert_eq!(logged_in.ok()["user"]["id"], user["id"]);
        } else {
            client.get("/auth/me").await.refused(401);
            logged_in.refused(401);
        }
    }
    assert_eq!(story["open_request"]["offers"].as_array().unwrap().len(), 2);
    let ana = users.iter().find(|user| user["name"] == "ana").unwrap();
    let entry = format!("/entries/{}", ana["owns"]["entry_ids"][0].as_str().unwrap());
    for user in users.iter().filter(|user| user["is_active"] == true) {
        let client = Client::new(address, user["access_token"].as_str().map(str::to_owned));
        let status = if user["name"] == "ana" { 200 } else { 403 };
        assert_eq!(client.get(&entry).await.status, status, "{}", user["name"]);
    }
    let project = story["booking"]["project_id"].as_str().unwrap();
    let dora = users.iter().find(|user| user["name"] == "dora").unwrap();
    assert_eq!(dora["owns"]["project_ids"], json!([project]));
    let mut socket =
        Socket::connect(address, &format!("/ws?token={}", ana["access_token"].as_str().unwrap())).await;
    socket.recv("connection_established").await;
    let room = format!("session:{}", story["open_request"]["offers"][0]["session_id"].as_str().unwrap());
    let joined = socket.ack(json!({"type": "join", "room": room, "since": 0})).await;
    let output = joined["events"].as_array().unwrap();
    assert!(output.iter().any(|event| event["data"]["text"] == "It does."), "{joined}");
}

/// A running `souk demo --json`; stopped on drop.
pub(crate) struct Demo {
    child: Child,
    watchdog: Child,
    pub(crate) story: Value,
}

impl Demo {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["demo", "--json", "--bind=127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let watchdog = kill_afterwards(child.id());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let story = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, watchdog, story }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}
