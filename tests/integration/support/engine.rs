//! The two engines, and a fresh database on either.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use super::{postgres, scratch};

/// Which engine a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server, started by the harness.
    Postgres,
}

/// A fresh database, removed when it is dropped.
pub enum Database {
    /// The folder that holds the file and what belongs to it.
    Sqlite(PathBuf),
    /// A database of the harness's server.
    Postgres(postgres::Database),
}

/// A PostgreSQL server for one test alone; `None` where it is not installed, which was said loudly then.
pub fn own_postgres() -> Option<postgres::Server> {
    let server = postgres::own_server();
    if server.is_none() {
        skip(NO_POSTGRES);
    }
    server
}

const NO_POSTGRES: &str = "PostgreSQL is not installed (no initdb in the PATH or in /usr/lib/postgresql)";

impl Engine {
    /// A fresh database; `None` where the engine is not installed, which was said loudly then.
    pub fn database(self) -> Option<Database> {
        match self {
            Self::Sqlite => {
                let folder = scratch::folder().join(uuid::Uuid::new_v4().simple().to_string());
                std::fs::create_dir(&folder).unwrap();
                Some(Database::Sqlite(folder))
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
    /// What `DATABASE_URL` would say.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.join("souk.db").display().to_string(),
            Self::Postgres(database) => database.url.clone(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Sqlite(folder) = self {
            // A connection that closes a moment later may keep a file; that goes with the test process.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Says that tests did not run; where services are required (`SOUK_REQUIRE_SERVICES=1`), they failed.
fn skip(why: &str) {
    let required = std::env::var_os("SOUK_REQUIRE_SERVICES").is_some_and(|value| value == "1");
    assert!(!required, "required, and skipped: {why}");
    static ONCE: Once = Once::new();
    // Not `eprintln`, which the test runner swallows where a test passes.
    ONCE.call_once(|| {
        let _ = writeln!(std::io::stderr(), "\nskipped: every test on this engine: {why}\n");
    });
}

/// Makes of one test two: `name::sqlite` and `name::postgres`, each with a server of its own on a fresh database.
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
