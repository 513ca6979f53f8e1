//! Journals as they are stored: sealed, by keys that can be rotated. With the eyes of somebody who has the files,
//! the tables and the logs.

mod keys;
mod plain_text;

use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::{Database, JWT_SECRET};

/// Runs a command on this database.
fn souk(database: &Database, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(arguments)
        .args(["--jwt-secret", JWT_SECRET, "--database-url", &database.url()])
        .output()
        .unwrap()
}

/// Executes statements, as an operator could.
fn execute(database: &Database, sql: &str) {
    match database {
        Database::Sqlite(_) => {
            let mut connection = SqliteConnection::establish(&database.url()).unwrap();
            connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
        }
        Database::Postgres(database) => {
            PgConnection::establish(&database.url).unwrap().batch_execute(sql).unwrap();
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Everything that is stored: the bytes of all files in the folder of a SQLite file, or all rows of all tables
/// of a PostgreSQL database, as `pg_dump` reads them.
fn everything(database: &Database) -> Vec<u8> {
    match database {
        Database::Sqlite(folder) => files(folder),
        Database::Postgres(database) => {
            let mut connection = PgConnection::establish(&database.url).unwrap();
            let tables = "SELECT table_name::text AS line FROM information_schema.tables \
                          WHERE table_schema = 'public'";
            let tables: Vec<Line> = diesel::sql_query(tables).load(&mut connection).unwrap();
            let mut all = String::new();
            for table in tables {
                let rows = format!("SELECT stored::text AS line FROM {} AS stored", table.line);
                let rows: Vec<Line> = diesel::sql_query(rows).load(&mut connection).unwrap();
                all.extend(rows.into_iter().map(|row| row.line + "\n"));
            }
            all.into_bytes()
        }
    }
}

/// All files of a folder, one after the other.
fn files(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
