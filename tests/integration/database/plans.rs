//! Every list and every clean-up reads by an index: on a database of many rows, each statement that the server sends
//! is looked at as the database executes it.
//!
//! `SOUK_PLAN_ROWS=1000000 cargo test --test integration plans -- --nocapture` makes more rows and shows all statements
//! with their plans, and what a row of each table takes.

#![allow(clippy::print_stdout, reason = "what was seen is shown to whoever asks for it")]

mod rows;
mod seen;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Value, json};
use souk::clock::Clock;
use souk::server::{retention, scheduler};

use crate::authorization::reads::{self, Reads};
use crate::support::{CONTRACT, Database, Engine, Person, TestApp, run_on};

use rows::Dialect;
use seen::Plan;

/// Most rows that a step may read and leave out: those of the busiest user, and a few pages.
fn most_left_out() -> u64 {
    (rows_wanted() / 50).max(2_000)
}

/// What may read a table from one end to the other, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("(1=0)", "an empty list: no row is read"),
    ("WHERE 1 = 0 UNION ALL", "whether there are all tables: no row is read"),
    ("\"idempotency_keys\".\"location\" LIKE", "once, at start: answers of a version that did not seal them"),
    ("DISTINCT \"journal_keys\".\"key_id\"", "once, at start: whether other keys were in use"),
];

/// Values of the filters that are no enums, by route and name.
fn filter(route: &str, name: &str, reads: &Reads) -> Vec<String> {
    match (route, name) {
        (_, "category") => vec!["plumbing".into(), "nowhere".into()],
        ("/admin/users", "email") => vec!["user0000001".into(), "nobody@".into()],
        ("/admin/audit", "actor")
        | ("/admin/sessions" | "/admin/sessions/ended" | "/requests" | "/offers" | "/bookings", "user_id") => {
            vec![reads.ana.id.clone()]
        }
        ("/admin/audit", "action") => vec!["suspend".into(), "none".into()],
        ("/admin/audit", "from" | "until") => {
            vec!["2000-01-01T00:00:00Z".into(), "2100-01-01T00:00:00Z".into()]
        }
        ("/admin/sessions", "node_id") => vec![reads.ana.id.clone()],
        ("/admin/sessions", "address") => vec!["127.0.0.1".into()],
        ("/admin/sessions/ended", "connection_id") => vec![reads.ana.id.clone()],
        ("/admin/sessions/ended", "reason") => vec!["client".into()],
        ("/admin/rooms", "order") => vec!["busiest".into()],
        ("/admin/rooms/{room}/events", "after") | ("/admin/rooms/{room}/presence", "at") => vec!["1".into()],
        ("/admin/rooms/{room}/events", "reason") => vec!["curiosity".into()],
        // One row, by its id, and the user.
        ("/admin/explain" | "/admin/states", _) => vec![],
        ("/admin/audit", "row") => vec![reads.ana.id.clone()],
        ("/projects/{id}/tasks", "archived") => vec!["true".into()],
        ("/projects/{id}/board", "after") => vec![reads.ana.id.clone()],
        ("/entries", "q") => vec!["badly".into()],
        ("/simulations/compare", "ids") | (_, "limit" | "cursor") => vec![],
        _ => panic!("say what {route} is filtered with by {name}"),
    }
}

/// The addresses of a route that lists: as it is, in pages, and with each value of each filter.
fn addresses(read: &reads::Read, reads: &Reads) -> Vec<String> {
    let route = read.route.trim_start_matches("GET ");
    let mut all = vec![read.path.clone()];
    let operation = &CONTRACT.document["paths"][route]["get"];
    for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query") {
        let name = parameter["name"].as_str().unwrap();
        let named = values(&parameter["schema"]);
        let values = if named.is_empty() { filter(route, name, reads) } else { named };
        all.extend(values.iter().map(|value| format!("{}?{name}={value}", read.path)));
    }
    all
}

/// The values of an enum.
fn values(schema: &Value) -> Vec<String> {
    let parts = ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    let referred =
        schema["$ref"].as_str().map(|path| CONTRACT.document.pointer(path.trim_start_matches('#')).unwrap());
    let own = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    own.chain(parts.flat_map(values)).chain(referred.into_iter().flat_map(values)).collect()
}

/// Reads everything that there is to read, as each of these people; pages of lists to the second.
async fn read_all(reads: &Reads, people: &[&Person]) {
    for read in &reads.reads {
        for address in addresses(read, reads) {
            for person in people {
                let answer = person.get(&address).await;
                assert_ne!(answer.status, 500, "{answer}");
                assert_ne!(answer.status, 429, "{answer}");
                let joined = if address.contains('?') { '&' } else { '?' };
                let first: Value = serde_json::from_str(&answer.text).unwrap_or_default();
                if first["items"].is_array() && first.get("next_cursor").is_some() {
                    let page = person.get(&format!("{address}{joined}limit=1")).await;
                    if let Some(cursor) = page.json()["next_cursor"].as_str() {
                        person.get(&format!("{address}{joined}limit=1&cursor={cursor}")).await.ok();
                    }
                }
            }
        }
    }
}

/// What live sessions read: logs, boards, members.
async fn follow(person: &Person) {
    let mut socket = person.live().await;
    let first = |list: Value| list["items"][0]["id"].as_str().map(str::to_owned);
    let mut rooms = vec![person.room()];
    for (kind, path) in
        [("session", "/sessions"), ("project", "/projects"), ("conversation", "/conversations")]
    {
        rooms.extend(first(person.get(path).await.ok()).map(|id| format!("{kind}:{id}")));
    }
    for room in rooms {
        socket.ack(json!({"type": "join", "room": room, "since": 0})).await;
        socket.ack(json!({"type": "history", "room": room})).await;
        socket.request(json!({"type": "read", "room": room, "seq": 1})).await;
        socket.request(json!({"type": "presence", "room": room})).await;
        socket.request(json!({"type": "board", "room": room})).await;
    }
}

async fn exercise(app: &TestApp) {
    let reads = reads::all(app).await;
    let mut busy = Vec::new();
    for email in rows::BUSY {
        let token = app.db_token(email, Duration::from_secs(1800)).await;
        busy.push(app.person(&token).await);
    }
    read_all(&reads, &[&reads.ana, &reads.ben, &reads.admin, &busy[0], &busy[1]]).await;
    for person in [&reads.ana, &reads.ben, &busy[0]] {
        follow(person).await;
    }
    scheduler::note_live_logins(&app.server).await.unwrap();
    scheduler::sweep(&app.server).await.unwrap();
    app.clock.advance(Duration::from_secs(20 * 86_400));
    let swept = scheduler::sweep(&app.server).await.unwrap();
    assert!(swept.requests > 0 && swept.offers > 0 && swept.logins > 0, "the premise: {swept:?}");
    let trimmed = retention::trim(&app.server).await.unwrap();
    assert!(trimmed.events > 0 && trimmed.audit > 0, "the premise: {trimmed:?}");
}

fn rows_wanted() -> u64 {
    std::env::var_os("SOUK_PLAN_ROWS").map_or(20_000, |rows| rows.to_str().unwrap().parse().unwrap())
}

/// Fills the tables and returns their names.
fn fill(dialect: Dialect, mut execute: impl FnMut(&str)) -> Vec<&'static str> {
    let began = Instant::now();
    let statements = rows::statements(dialect, rows_wanted(), now());
    for (table, statement) in &statements {
        let began = Instant::now();
        execute(statement);
        println!("{table} filled in {:?}", began.elapsed());
    }
    println!("filled in {:?}", began.elapsed());
    statements.into_iter().map(|(table, _)| table).collect()
}

fn now() -> i64 {
    Clock::system().now().as_seconds() * 1_000_000
}

/// Shows the plans, and fails on those that read more than they must.
fn judge(plans: &[Plan], tables: &[&str]) {
    assert!(plans.len() > 100, "the premise: the statements were seen, and not {}", plans.len());
    let mut wrong = Vec::new();
    for Plan { statement, steps } in plans {
        println!("\n{statement}");
        let reason = ALLOWED.iter().find(|(part, _)| statement.contains(part)).map(|(_, reason)| reason);
        for step in steps {
            println!("    {}  ({} left out)", step.text, step.left_out);
            let scans = step.scans.as_deref().is_some_and(|table| tables.contains(&table));
            if reason.is_none() && (scans || step.left_out > most_left_out()) {
                wrong.push(format!("{statement}\n    {} ({} left out)", step.text, step.left_out));
            }
        }
        reason.iter().for_each(|reason| println!("    allowed: {reason}"));
    }
    println!("\n{} plans", plans.len());
    assert!(wrong.is_empty(), "{} read more than they must:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn show(sizes: Vec<Size>) {
    println!("\nbytes of a row, with its indexes");
    for Size { name, bytes, rows } in sizes {
        println!("    {name:24}{:6}  ({rows} rows, {} MiB)", bytes / rows.max(1), bytes >> 20);
    }
}

const FLAGS: &[&str] = &[
    "--simulation-threads=0",
    // The test sweeps by itself.
    "--sweep-interval=1h",
    "--free-requests=1000000",
    "--anonymous-requests=1000000",
    "--retain-user-events=7d",
    // A day's rows, of the 90 days that there are and the 20 that pass.
    "--retain-audit=109d",
];

/// Most that a run may take, of which the rows are no part.
const LIMIT: Duration = Duration::from_secs(600);

#[test]
fn every_list_reads_by_an_index_on_sqlite() {
    let database = Engine::Sqlite.database().unwrap();
    let url = database.url();
    let mut connection = SqliteConnection::establish(&url).unwrap();
    let fast = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA foreign_keys = OFF";
    connection.batch_execute(fast).unwrap();
    let indexes = SecondaryIndexes::drop(&mut connection);
    connection.batch_execute("BEGIN").unwrap();
    let tables = fill(Dialect::Sqlite, |statement| connection.batch_execute(statement).unwrap());
    indexes.make(&mut connection);
    connection.batch_execute("COMMIT; PRAGMA journal_mode = WAL").unwrap();
    show(sizes_on_sqlite(&mut connection, &tables));
    seen::watch(&url);
    run_on(&database, FLAGS, LIMIT, exercise);
    // As a server runs, which gathers no statistics; and as after an operator's ANALYZE.
    let plans = seen::of_sqlite(&mut connection);
    judge(&plans, &tables);
    let prepared_each_time = plans
        .iter()
        .find(|Plan { statement, .. }| statement.starts_with("SELECT") && statement.contains("id\" IN (?"));
    assert_eq!(
        prepared_each_time.map(|plan| &plan.statement),
        None,
        "a list of any length: `one_of` takes it"
    );
    connection.batch_execute("ANALYZE").unwrap();
    judge(&seen::of_sqlite(&mut connection), &tables);
}

#[test]
fn every_list_reads_by_an_index_on_postgres() {
    let Some(database) = Engine::Postgres.database() else { return };
    let Database::Postgres(server) = &database else { return };
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    // Neither references nor triggers: the rows are right by themselves.
    connection.batch_execute("SET session_replication_role = replica").unwrap();
    let tables = fill(Dialect::Postgres, |statement| connection.batch_execute(statement).unwrap());
    connection.batch_execute("VACUUM ANALYZE").unwrap();
    show(sizes_on_postgres(&mut connection, &tables));
    seen::log_plans(server);
    run_on(&database, FLAGS, LIMIT, exercise);
    let log = String::from_utf8_lossy(&std::fs::read(server.server_log()).unwrap()).into_owned();
    judge(&seen::of_postgres(&log), &tables);
}

/// SQLite makes an index of many rows faster at once than row by row.
struct SecondaryIndexes(Vec<String>);

impl SecondaryIndexes {
    fn drop(connection: &mut SqliteConnection) -> Self {
        let sql = "SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        let found: Vec<Index> = diesel::sql_query(sql).load(connection).unwrap();
        for index in &found {
            connection.batch_execute(&format!("DROP INDEX {}", index.name)).unwrap();
        }
        Self(found.into_iter().map(|index| index.text).collect())
    }

    fn make(self, connection: &mut SqliteConnection) {
        let began = Instant::now();
        self.0.iter().for_each(|sql| connection.batch_execute(sql).unwrap());
        println!("indexed in {:?}", began.elapsed());
    }
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
}

fn sizes_on_sqlite(connection: &mut SqliteConnection, tables: &[&str]) -> Vec<Size> {
    let sql = "SELECT m.tbl_name AS name, CAST(SUM(s.pgsize) AS BIGINT) AS bytes, 0 AS rows FROM dbstat s \
               JOIN sqlite_master m ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY m.tbl_name";
    let bytes: Vec<Size> = diesel::sql_query(sql).load(connection).unwrap();
    let bytes: BTreeMap<String, i64> = bytes.into_iter().map(|size| (size.name, size.bytes)).collect();
    tables.iter().map(|table| count(connection, table, bytes.get(*table).copied().unwrap_or(0))).collect()
}

fn count(connection: &mut SqliteConnection, table: &str, bytes: i64) -> Size {
    let sql = format!("SELECT '{table}' AS name, {bytes} AS bytes, COUNT(*) AS rows FROM {table}");
    diesel::sql_query(sql).get_result(connection).unwrap()
}

fn sizes_on_postgres(connection: &mut PgConnection, tables: &[&str]) -> Vec<Size> {
    let size = |table: &&str| {
        let sql = format!(
            "SELECT '{table}' AS name, pg_total_relation_size('{table}') AS bytes, COUNT(*) AS rows FROM {table}"
        );
        diesel::sql_query(sql).get_result(connection).unwrap()
    };
    tables.iter().map(size).collect()
}
