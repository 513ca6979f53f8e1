//! The migration that plans boards, on a database that has projects and tasks, and back.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use souk::db::{DbConnection, DbError};

use crate::both_engines;
use crate::support::{TestApp, id};

/// Executes statements in one transaction, beside the running server.
async fn execute(app: &TestApp, sql: String) {
    let done = app.server.db.write(move |uow| -> Result<(), DbError> {
        match uow.conn() {
            DbConnection::Postgresql(connection) => connection.batch_execute(&sql)?,
            DbConnection::Sqlite(connection) => connection.batch_execute(&sql)?,
        }
        Ok(())
    });
    done.await.unwrap();
}

/// The one for the app's engine.
fn of_engine(app: &TestApp, postgres: &'static str, sqlite: &'static str) -> String {
    let is_postgres = matches!(app.engine, crate::support::Engine::Postgres);
    (if is_postgres { postgres } else { sqlite }).to_owned()
}

/// Back to the schema of before the migration.
fn undo(app: &TestApp) -> String {
    of_engine(
        app,
        include_str!("before/plan_boards.postgres.sql"),
        include_str!("before/plan_boards.sqlite.sql"),
    )
}

fn migration(app: &TestApp) -> String {
    of_engine(
        app,
        include_str!("../../../migrations/postgres/2026-11-28-000050_plan_boards/up.sql"),
        include_str!("../../../migrations/sqlite/2026-11-28-000050_plan_boards/up.sql"),
    )
}

both_engines! {
    async fn boards_of_before_get_columns_and_keep_their_tasks_in_order(app) {
        let ana = app.consumer("ana").await;
        let project = id(&ana.post("/projects", json!({"title": "The bathroom"})).await.ok()).to_owned();
        execute(app, undo(app)).await;
        let task = |n: u32, project: &str| format!(
            "INSERT INTO tasks (id, project_id, created_by, title, text, status, position, version, created_at, updated_at) \
             VALUES ('01890a5d-ac96-774b-bcce-b302099a805{n}', '{project}', '{}', '{n}', '', 'todo', \
             '01890a5dac96774bbcceb302099a80{n}0', 1, 0, 0);", ana.id,
        );
        execute(app, [task(1, &project), task(2, &project)].concat()).await;
        execute(app, migration(app)).await;

        // What a server of the release before does meanwhile.
        let later = "01890a5d-ac96-774b-bcce-b302099a8057";
        let opened = format!(
            "INSERT INTO projects (id, created_by, title, version, created_at, updated_at) \
             VALUES ('{later}', '{ana}', 'Later', 1, 0, 0); \
             INSERT INTO project_members (project_id, user_id, role, created_at) VALUES ('{later}', '{ana}', 'owner', 0);",
            ana = ana.id,
        );
        execute(app, [task(3, &project), opened, task(4, later)].concat()).await;

        for (project, titles) in [(project.as_str(), vec!["1", "2", "3"]), (later, vec!["4"])] {
            let board = ana.get(&format!("/projects/{project}/board")).await.ok();
            let columns = board["columns"].as_array().unwrap();
            let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
            assert_eq!(names, ["To do", "In progress", "Done"]);
            let mut tasks: Vec<&Value> = board["tasks"].as_array().unwrap().iter().collect();
            tasks.sort_by_key(|task| task["position"].as_str().unwrap());
            assert!(tasks.iter().all(|task| task["column_id"] == columns[0]["id"]), "{tasks:?}");
            assert_eq!(tasks.iter().map(|task| task["title"].as_str().unwrap()).collect::<Vec<_>>(), titles);
            let before = json!({"column_id": columns[0]["id"], "after": null});
            let last = tasks.last().unwrap();
            let path = format!("/projects/{project}/tasks/{}/move", id(last));
            ana.post(&path, before).if_match("\"1\"").await.ok();
        }
    }
}
