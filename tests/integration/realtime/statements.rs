//! What a chat message and an offer ask of SQLite: which statements, and none of them compiled anew.
//!
//! SQLite compiles a statement again at a run for which a value is bound on which its plan depends (`LIMIT ?`,
//! `LIKE ?`, the condition of a partial index), unless it promises that plans do not depend on values; and Diesel one
//! that is executed as text. Neither shows in the answer; both cost as much as the message itself.

use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use serde_json::{Value, json};
use souk::db::DbError;

use crate::support::{Engine, Socket, TestApp, run};

use super::fixtures::db_session;

/// What the writer's connection was asked.
#[derive(Clone, Default)]
struct Seen {
    statements: Arc<Mutex<Vec<String>>>,
    compiled: Arc<Mutex<Vec<String>>>,
}

impl Instrumentation for Seen {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.statements.lock().unwrap().push(query.to_string().replace('`', ""));
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                self.compiled.lock().unwrap().push(sql.replace('`', ""));
            }
            _ => {}
        }
    }
}

/// Watches the connection that writes.
async fn watch(app: &TestApp) -> Seen {
    let seen = Seen::default();
    let watcher = seen.clone();
    let watched = app.server.db.write(move |uow| {
        uow.conn().set_instrumentation(watcher.clone());
        Ok::<_, DbError>(())
    });
    watched.await.unwrap();
    seen
}

async fn send(socket: &mut Socket, room: &str, name: &str) -> Value {
    socket.ack(json!({"type": "chat_message", "room": room, "client_msg_id": name, "text": "hello"})).await
}

/// The statements of a message, in their order.
const OF_A_MESSAGE: [&str; 6] = [
    "BEGIN IMMEDIATE",
    "SELECT sessions.id",
    "INSERT INTO rooms",
    "INSERT INTO messages",
    "INSERT INTO events",
    "COMMIT",
];

/// Which of them this is. The sweeper and others may write meanwhile.
fn step(statement: &str) -> Option<&'static str> {
    OF_A_MESSAGE.into_iter().find(|step| statement.starts_with(step))
}

async fn a_warm_message_compiles_nothing(app: &TestApp) {
    let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
    let room = db_session(app, &ana, &ben).await;
    let mut socket = ana.live().await;
    socket.ack(json!({"type": "join", "room": room})).await;
    send(&mut socket, &room, "m-1").await;

    let seen = watch(app).await;
    send(&mut socket, &room, "m-2").await;

    let compiled = seen.compiled.lock().unwrap();
    assert_eq!(compiled.iter().filter_map(|statement| step(statement)).next(), None, "{compiled:#?}");
    let statements = seen.statements.lock().unwrap();
    let position =
        statements.iter().position(|statement| statement.starts_with("INSERT INTO messages")).unwrap();
    let begin = statements[..position].iter().rposition(|statement| statement.starts_with("BEGIN")).unwrap();
    let of_message: Vec<_> = statements[begin..].iter().filter(|text| step(text).is_some()).take(6).collect();
    for statement in &of_message {
        let (text, _) = statement.split_once(" -- binds:").expect("it is prepared, not sent as text");
        assert!(!text.contains("LIMIT ?") && !text.contains("LIKE ?"), "{text} is compiled for each value");
    }
    let steps: Vec<_> = of_message.iter().filter_map(|statement| step(statement)).collect();
    assert_eq!(steps, OF_A_MESSAGE, "{statements:#?}");
}

#[test]
fn a_warm_message_runs_six_statements_and_compiles_none() {
    run(Engine::Sqlite, &[], a_warm_message_compiles_nothing);
}

async fn a_warm_offer_compiles_nothing(app: &TestApp) {
    let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
    app.offer(&ben, &app.request(&ana).await).await;
    let request = app.request(&ana).await;

    let seen = watch(app).await;
    app.offer(&ben, &request).await;

    let statements = seen.statements.lock().unwrap();
    let inserted = statements.iter().position(|text| text.starts_with("INSERT INTO offers")).unwrap();
    let begin = statements[..inserted].iter().rposition(|text| text.starts_with("BEGIN")).unwrap();
    let length = statements[inserted..].iter().position(|text| text.starts_with("COMMIT")).unwrap();
    for statement in &statements[begin..inserted + length] {
        let (text, _) = statement.split_once(" -- binds:").expect("it is prepared, not sent as text");
        assert!(!text.contains("IN (?"), "lists have any length, so this is compiled each time: {text}");
    }
    let compiled = seen.compiled.lock().unwrap();
    let of_offers = |text: &&String| text.contains("offers");
    assert_eq!(compiled.iter().find(of_offers), None, "{compiled:#?}");
}

#[test]
fn a_warm_offer_compiles_no_statement() {
    run(Engine::Sqlite, &[], a_warm_offer_compiles_nothing);
}

async fn plans_do_not_depend_on_values(app: &TestApp) {
    #[derive(QueryableByName)]
    struct Compiled {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        with_stable_plans: bool,
    }
    let read = app.server.db.read(|uow| {
        let compiled = "SELECT sqlite_compileoption_used('ENABLE_QPSG') AS with_stable_plans";
        Ok::<_, DbError>(diesel::sql_query(compiled).get_result::<Compiled>(uow.conn())?)
    });
    assert!(read.await.unwrap().with_stable_plans, "`.cargo/config.toml` was not read");
}

#[test]
fn sqlite_compiles_no_statement_again_for_its_values() {
    run(Engine::Sqlite, &[], plans_do_not_depend_on_values);
}
