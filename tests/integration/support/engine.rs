//! The two database engines, and a fresh database on either.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use souk::db::{Db, DbConfig, Target};

use super::{postgres, scratch};

/// The database engine of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A PostgreSQL server started by the tests.
    Postgres,
}

/// A fresh database, removed on drop.
pub enum Database {
    /// The folder of the file, its WAL and its lock.
    Sqlite(PathBuf),
    /// A database on the shared server.
    Postgres(postgres::Database),
}

/// A PostgreSQL server for one test; `None` if it is not installed, which was reported.
pub fn own_postgres() -> Option<postgres::Server> {
    let server = postgres::own_server();
    if server.is_none() {
        skip(NO_POSTGRES);
    }
    server
}

/// The same, whose messages are German unless a session asks for others; `None` if they are not installed, which was
/// reported.
pub fn german_postgres() -> Option<postgres::Server> {
    let server = postgres::own_server_in_german();
    if server.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: PostgreSQL's German messages, or localedef, are not installed"
        );
    }
    server
}

const NO_POSTGRES: &str = "PostgreSQL is not installed (no initdb in the PATH or in /usr/lib/postgresql)";

/// Name of a SQLite database in its folder.
const FILE: &str = "souk.db";

/// A SQLite database whose file is not there yet.
pub fn sqlite_to_be() -> Database {
    let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
    std::fs::create_dir(&folder).unwrap();
    Database::Sqlite(folder)
}

/// A migrated SQLite file, which tests copy.
fn template() -> &'static Path {
    static TEMPLATE: LazyLock<PathBuf> = LazyLock::new(|| {
        let file = scratch::folder().join("template.db");
        Db::migrate(&DbConfig::new(Target::Sqlite(file.clone()))).unwrap();
        file
    });
    &TEMPLATE
}

impl Engine {
    /// A fresh, migrated database; `None` if the engine is not installed, which was reported.
    pub fn database(self) -> Option<Database> {
        match self {
            Self::Sqlite => {
                let database = sqlite_to_be();
                std::fs::copy(template(), database.url()).unwrap();
                Some(database)
            }
            Self::Postgres => {
                let server = postgres::server();
                if server.is_none() {
                    skip(NO_POSTGRES);
                }
                server.map(|server| Database::Postgres(server.database()))
            }
        }
    }
}

impl Database {
    /// The engine that it is on.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// The `DATABASE_URL` of this database.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.join(FILE).display().to_string(),
            Self::Postgres(database) => database.url.clone(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Sqlite(folder) = self {
            // A connection closed a moment later may leave a file behind; it is removed with the test
            // process.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Reports that tests were skipped; with `SOUK_REQUIRE_SERVICES=1` they fail instead.
pub(super) fn skip(why: &str) {
    let required = std::env::var_os("SOUK_REQUIRE_SERVICES").is_some_and(|value| value == "1");
    assert!(!required, "required, and skipped: {why}");
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // Not `eprintln`, which the test runner captures for passing tests.
    if SAID.lock().unwrap().insert(why.to_owned()) {
        let _ = writeln!(std::io::stderr(), "\nskipped: every test that needs it: {why}\n");
    }
}

/// Expands a test to two, `name::sqlite` and `name::postgres`, each with its own server on a fresh database.
///
/// ```ignore
/// both_engines! {
///     async fn a_stranger_is_refused(app) { .. }
///     async fn a_large_frame_closes(app with ["--frame-max", "1KiB"]) { .. }
/// }
/// both_engines! {
///     fn a_killed_server_comes_back(database) { .. Process::start(..) .. }
/// }
/// ```
#[macro_export]
macro_rules! both_engines {
    ($($(#[$attribute:meta])* fn $name:ident($database:ident) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "not every test needs its neighbours")]
            use super::*;

            fn test($database: &$crate::support::Database) $body

            #[test]
            fn sqlite() {
                $crate::support::Engine::Sqlite.database().iter().for_each(test);
            }

            #[test]
            fn postgres() {
                $crate::support::Engine::Postgres.database().iter().for_each(test);
            }
        }
    )*};
    ($($(#[$attribute:meta])* async fn $name:ident($app:ident $(with [$($flag:expr),* $(,)?])?) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "not every test needs its neighbours")]
            use super::*;

            async fn test($app: &$crate::support::TestApp) $body

            const FLAGS: &[&str] = &[$($($flag),*)?];

            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Engine::Sqlite, FLAGS, test);
            }

            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Engine::Postgres, FLAGS, test);
            }
        }
    )*};
}
