//! What the server asked the database, and how the database goes about it.
//!
//! SQLite: Diesel tells an observer of every statement, which is explained afterwards. PostgreSQL: its own module
//! `auto_explain` logs every plan with the numbers of rows, also of what checks references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use crate::support::postgres;

/// A statement, and its plan as lines.
pub(super) struct Plan {
    pub(super) statement: String,
    pub(super) steps: Vec<Step>,
}

/// A step of a plan.
pub(super) struct Step {
    pub(super) text: String,
    /// The table that is read from one end to the other.
    pub(super) scans: Option<String>,
    /// Rows that were read and left out. SQLite does not tell.
    pub(super) left_out: u64,
}

/// The statements on the watched SQLite file.
static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WATCHED: Mutex<String> = Mutex::new(String::new());

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of one connection. Those to other files are other tests'.
#[derive(Default)]
struct Observer {
    is_watched: bool,
}

impl Instrumentation for Observer {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                self.is_watched = url == *lock(&WATCHED);
            }
            InstrumentationEvent::StartQuery { query, .. } if self.is_watched => {
                let text = query.to_string();
                let statement = text.split(" -- binds:").next().unwrap_or_default().trim();
                lock(&STATEMENTS).insert(statement.replace('`', "\""));
            }
            _ => {}
        }
    }
}

/// Watches what is asked of this SQLite file by connections that are opened from now on.
pub(super) fn watch(url: &str) {
    *lock(&WATCHED) = url.to_owned();
    set_default_instrumentation(|| Some(Box::new(Observer::default()))).unwrap();
}

#[derive(QueryableByName)]
struct Detail {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The plans of what was asked of the watched file.
pub(super) fn of_sqlite(connection: &mut SqliteConnection) -> Vec<Plan> {
    let of_data = |statement: &String| {
        let first = statement.split_whitespace().next().unwrap_or_default();
        ["SELECT", "INSERT", "UPDATE", "DELETE"].contains(&first) && !statement.contains("__diesel_schema")
    };
    let statements: Vec<String> = lock(&STATEMENTS).iter().filter(|text| of_data(text)).cloned().collect();
    let mut explain = |statement: String| {
        let details: Vec<Detail> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
            .load(connection)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        let steps = details.into_iter().map(|Detail { detail }| Step {
            scans: scanned(&detail, &statement),
            text: detail,
            left_out: 0,
        });
        Plan { steps: steps.collect(), statement }
    };
    statements.into_iter().map(&mut explain).collect()
}

/// `SCAN t` reads the table, `SCAN t USING INDEX i` an index from one end on. With a limit that is how the newest rows
/// are read; without, it is all rows just the same.
fn scanned(detail: &str, statement: &str) -> Option<String> {
    let rest = detail.strip_prefix("SCAN ")?;
    let table = rest.split_whitespace().next()?;
    (!rest.contains(" USING ") || !statement.contains("LIMIT")).then(|| table.to_owned())
}

/// Makes PostgreSQL log every plan of later connections to this database.
pub(super) fn log_plans(database: &postgres::Database) {
    let name = database.name();
    let settings = [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_format = json",
        "auto_explain.log_nested_statements = on",
    ];
    let mut connection = PgConnection::establish(&database.url).unwrap();
    // A setting of the module is known where the module is.
    connection.batch_execute("LOAD 'auto_explain'").unwrap();
    for setting in settings {
        connection.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).unwrap();
    }
}

/// The plans in the server's log, one per statement and shape. Only one database has them logged.
pub(super) fn of_postgres(log: &str) -> Vec<Plan> {
    let mut plans: BTreeMap<(String, Vec<String>), Plan> = BTreeMap::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.ends_with("plan:") {
            continue;
        }
        let mut json = String::new();
        while let Some(next) = lines.next_if(|line| line.starts_with('\t')) {
            json += next;
        }
        let logged: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let statement =
            logged["Query Text"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut steps = Vec::new();
        collect(&logged["Plan"], 0, &mut steps);
        let shape = steps.iter().map(|step| step.text.clone()).collect();
        match plans.entry((statement.clone(), shape)) {
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(Plan { statement, steps });
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                for (known, step) in known.get_mut().steps.iter_mut().zip(steps) {
                    known.left_out = known.left_out.max(step.left_out);
                }
            }
        }
    }
    plans.into_values().collect()
}

fn collect(plan: &Value, depth: usize, steps: &mut Vec<Step>) {
    let text = |key: &str| plan[key].as_str().unwrap_or_default();
    let (node, table) = (text("Node Type"), text("Relation Name"));
    let index = plan["Index Name"].as_str().map(|index| format!(" by {index}")).unwrap_or_default();
    let removed =
        plan["Rows Removed by Filter"].as_f64().unwrap_or(0.0) * plan["Actual Loops"].as_f64().unwrap_or(1.0);
    steps.push(Step {
        text: format!("{}{node} {table}{index}", "  ".repeat(depth)).trim_end().to_owned(),
        scans: (node == "Seq Scan").then(|| table.to_owned()),
        left_out: removed as u64,
    });
    for child in plan["Plans"].as_array().into_iter().flatten() {
        collect(child, depth + 1, steps);
    }
}
