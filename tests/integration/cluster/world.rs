//! Real processes on one database, and users who are connected to any of them.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Engine, PASSWORD, Person, Process, id, usual_request};

/// Limits that have tests of their own, raised so as not to interfere.
const FLAGS: &[&str] = &["--free-requests=1000000", "--anonymous-requests=1000000"];

/// Upper bound for a whole test, on any machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Servers on one database.
pub(super) struct Cluster {
    /// Those that run.
    pub(super) nodes: Vec<Process>,
    url: String,
}

impl Cluster {
    /// Starts so many servers on the database of this URL.
    pub(super) fn start(size: usize, url: &str) -> Self {
        Self::start_with(size, url, &[])
    }

    /// Starts so many servers with these flags.
    pub(super) fn start_with(size: usize, url: &str, flags: &[&str]) -> Self {
        let mut cluster = Self { nodes: Vec::new(), url: url.to_owned() };
        for _ in 0..size {
            cluster.add_with(flags);
        }
        cluster
    }

    /// Starts one more, with these flags.
    pub(super) fn add_with(&mut self, flags: &[&str]) {
        self.nodes.push(Process::start("127.0.0.1:0", &self.url, &[FLAGS, flags].concat()));
    }

    /// Starts one more, which reaches the database by another URL.
    pub(super) fn add_at(&mut self, url: &str) {
        self.nodes.push(Process::start("127.0.0.1:0", url, FLAGS));
    }

    /// Registers a user, whose calls go to the first server.
    pub(super) async fn register(&self, name: &str, role: &str) -> Person {
        Person::register(&self.nodes[0].client(None), name, role).await
    }

    /// The same user with the same token, whose calls go to another server.
    pub(super) async fn at(&self, node: usize, person: &Person) -> Person {
        Person::of(self.nodes[node].client(person.token())).await
    }

    /// An admin, made by the command line.
    pub(super) async fn admin(&self) -> Person {
        let email = "root@example.com";
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command.args(["user", "add", "--email", email, "--name", "Root", "--role", "admin"]);
        command.args(["--password-file", "-", "--database-url", &self.url]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        self.log_in(0, email).await
    }

    /// A further login of a user.
    pub(super) async fn log_in(&self, node: usize, email: &str) -> Person {
        let anyone = self.nodes[node].client(None);
        let tokens = anyone.post("/auth/token", json!({"email": email, "password": PASSWORD})).await.ok();
        Person::of(anyone.with_token(tokens["access_token"].as_str().unwrap())).await
    }
}

/// Runs a test with a fresh database on the shared PostgreSQL server.
pub(super) fn on_postgres<F: Future<Output = ()>>(test: impl Fn(String) -> F) {
    if let Some(database) = Engine::Postgres.database() {
        run(test(database.url()));
    }
}

/// Runs a test, for a while at most.
pub(super) fn run(test: impl Future<Output = ()>) {
    let limited = async { tokio::time::timeout(LIMIT, test).await };
    actix_web::rt::System::new().block_on(limited).expect("everybody gets an answer in time");
}

/// A request of this consumer, and an offer of this provider on it.
pub(super) async fn offer(consumer: &Person, provider: &Person, hours_ahead: u64) -> Value {
    let request = consumer.post("/requests", usual_request()).await.ok();
    let start = souk::clock::Clock::system().now().plus(Duration::from_secs(3600 * hours_ahead));
    let offer = json!({
        "price": {"amount": 10_000, "currency": "EUR"},
        "slot": {"start": start, "end": start.plus(Duration::from_secs(3600))},
    });
    provider.post(&format!("/requests/{}/offers", id(&request)), offer).await.ok()
}

/// Accepts an offer; returns the booking's id.
pub(super) async fn accept(consumer: &Person, offer: &Value) -> String {
    let path = format!("/offers/{}/accept", id(offer));
    let accepted = consumer.post(&path, json!({"version": offer["version"]})).await.ok();
    accepted["booking_id"].as_str().unwrap().to_owned()
}
