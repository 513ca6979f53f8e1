//! Two servers on one PostgreSQL database: what they share about handshakes and logins.

mod faults;
mod guesses;
mod secrets;
mod tickets;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Database, Engine, Process};

const WRONG: &str = "wrong password";

/// A limit that has tests of its own, raised so as not to interfere.
const FLAGS: &[&str] = &["--free-connections=1000"];

/// Two servers of one database.
struct Nodes {
    one: Process,
    other: Process,
    database: Database,
}

impl Nodes {
    /// `None` if PostgreSQL is not installed, which was reported.
    fn start(flags: &[&str]) -> Option<Self> {
        let database = Engine::Postgres.database()?;
        let start = || Process::start("127.0.0.1:0", &database.url(), &[FLAGS, flags].concat());
        Some(Self { one: start(), other: start(), database })
    }

    /// Now the one, now the other.
    fn take_turns(&self) -> impl Iterator<Item = &Process> {
        [&self.one, &self.other].into_iter().cycle()
    }

    /// All rows of a table, as an operator would read them.
    fn rows(&self, table: &str) -> Vec<String> {
        rows(&self.database.url(), table)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

fn rows(url: &str, table: &str) -> Vec<String> {
    let sql = format!("SELECT row_to_json(t)::text AS row FROM {table} t");
    let found: Vec<Row> = diesel::sql_query(sql).load(&mut PgConnection::establish(url).unwrap()).unwrap();
    found.into_iter().map(|row| row.row).collect()
}

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/auth/token", json!({"email": email, "password": password})).await
}

async fn log_in_with(client: &Client, email: &str, password: &str, device: &Value) -> Answer {
    client.post("/auth/token", json!({"email": email, "password": password, "device_token": device})).await
}

/// How many of these answers are a verdict, and how many say "too many"; others fail.
fn verdicts(answers: &[Answer]) -> (usize, usize) {
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    let (verified, limited) = (count(401), count(429));
    assert_eq!(verified + limited, answers.len(), "{answers:?}");
    (verified, limited)
}
