//! Compares `src/db/schema.rs`, which is kept by hand, with the migrated tables.

use diesel::prelude::*;
use diesel::sql_types::Text;
use souk::db::schema::*;
use souk::db::{DbConnection, DbError};

use crate::both_engines;

/// Reads every column of every table and returns the tables' names.
macro_rules! read_all {
    ($connection:expr; $($table:ident,)*) => {{
        $(
            $table::table
                .select($table::all_columns)
                .limit(1)
                .execute($connection)
                .unwrap_or_else(|error| panic!("{}: {error}", stringify!($table)));
        )*
        vec![$(stringify!($table).to_owned()),*]
    }};
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(connection: &mut DbConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(connection).unwrap();
    let mut names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

both_engines! {
    async fn every_table_and_column_of_the_schema_is_there_and_none_besides(app) {
        let (known, found) = app
            .server
            .db
            .read(|uow| {
                let sql = if uow.conn().is_postgres() {
                    "SELECT table_name::text AS name FROM information_schema.tables \
                     WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'"
                } else {
                    "SELECT name FROM sqlite_master WHERE type = 'table' \
                     AND name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'"
                };
                let found = names(uow.conn(), sql);
                let mut known = souk::with_tables!(read_all!(uow.conn()));
                known.sort();
                Ok::<_, DbError>((known, found))
            })
            .await
            .unwrap();
        assert_eq!(known, found);
    }

    async fn the_audit_trail_takes_neither_changes_nor_deletions(app) {
        let add = "INSERT INTO audit (id, at, outcome, action, kind) VALUES ('a', 0, 'done', 'test', 'room')";
        let run = |sql: &'static str| {
            app.server.db.write(move |uow| {
                diesel::sql_query(sql).execute(uow.conn())?;
                Ok::<_, DbError>(())
            })
        };
        run(add).await.unwrap();
        assert!(run("UPDATE audit SET action = 'other'").await.is_err());
        assert!(run("DELETE FROM audit").await.is_err());
        let left: i64 = app
            .server
            .db
            .read(|uow| Ok::<_, DbError>(audit::table.filter(audit::action.eq("test")).count().get_result(uow.conn())?))
            .await
            .unwrap();
        assert_eq!(left, 1);
    }
}
