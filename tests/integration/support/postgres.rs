//! A PostgreSQL of our own: started once per test process from the installed binaries, gone with it.
//!
//! It listens on a socket in its own temporary folder and on no port: two test runs at once cannot meet. A shell that
//! reads from a pipe to this process outlives it, however it ends, and stops the server and removes the folder then.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use souk::db::{Db, DbConfig, Target};

use super::scratch;

/// The server of this test process; `None` where PostgreSQL is not installed.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(FORGETFUL)).as_ref()
}

/// A server for one test alone, which may do to it what it likes; gone when it is dropped.
pub fn own_server() -> Option<Server> {
    Server::start(KEEPS_COMMITS)
}

/// A running PostgreSQL, with a migrated database to copy from.
pub struct Server {
    binaries: PathBuf,
    folder: PathBuf,
    admin: Mutex<PgConnection>,
    made: AtomicU32,
    /// Its standard input closes with this process, and then it cleans up.
    _cleaner: Child,
}

const TEMPLATE: &str = "souk_template";

/// Nothing outlives the process, so nothing need reach the disk. Souk itself is what the tests kill.
const FORGETFUL: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";

/// The server is killed, the machine is not: a commit must have left the server's own memory.
const KEEPS_COMMITS: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=on";

impl Server {
    fn start(durability: &str) -> Option<Self> {
        let binaries = binaries()?;
        let folder = std::env::temp_dir().join(format!("souk-pg-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let account = account();
        // Ours or the account's alone; PostgreSQL insists on that.
        match account {
            Some(account) => must(Command::new("chown").arg(account).arg(&folder)),
            None => std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap(),
        }
        let cleaner = scratch::afterwards(CLEANER, &folder.display().to_string());
        let data = folder.join("data");
        must(
            as_account(account, &binaries.join("initdb"))
                .args([
                    "--no-sync",
                    "--auth=trust",
                    "--username=souk",
                    "--locale=C",
                    "--encoding=UTF8",
                    "--pgdata",
                ])
                .arg(&data),
        );
        let options = format!(
            "-k {} -c listen_addresses= {durability} -c max_connections=500 -c shared_buffers=64MB \
             -c max_wal_size=4GB -c autovacuum=off",
            folder.display()
        );
        must(
            as_account(account, &binaries.join("pg_ctl"))
                .args(["start", "--silent", "--wait", "--timeout=60", "--pgdata"])
                .arg(&data)
                .arg(format!("--log={}", folder.join("log").display()))
                .arg(format!("--options={options}")),
        );
        let mut admin = PgConnection::establish(&url(&folder, "postgres")).unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).unwrap();
        Db::migrate(&DbConfig::new(Target::Postgres(url(&folder, TEMPLATE)))).unwrap();
        Some(Self { binaries, folder, admin: Mutex::new(admin), made: AtomicU32::new(0), _cleaner: cleaner })
    }

    /// The migrated database that others are copied from, for who has the server for themselves.
    pub fn url(&self) -> String {
        url(&self.folder, TEMPLATE)
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same database by a socket in another folder.
    pub fn url_by(&self, folder: &Path) -> String {
        url(folder, TEMPLATE)
    }

    /// Stops the server (`fast`: every connection is told; `immediate`: as if it had crashed).
    pub fn stop(&self, mode: &str) {
        self.control(&["stop", "--silent", "--mode", mode, "--wait", "--timeout=60"]);
    }

    /// Starts it again after a stop, as it was, and waits until it takes connections.
    pub fn start_again(&self) {
        let options = std::fs::read_to_string(self.folder.join("data/postmaster.opts")).unwrap();
        // The program's path, and its options in quotes.
        let options = options.trim().split_once(' ').unwrap().1.replace('"', "'");
        let log = format!("--log={}", self.folder.join("log").display());
        let options = format!("--options={options}");
        self.control(&["start", "--silent", "--wait", "--timeout=60", &log, &options]);
    }

    /// Ends every connection to its databases, as an operator would.
    pub fn terminate_connections(&self) {
        // Not by the connection that was kept: that did not survive the last restart.
        let mut admin = PgConnection::establish(&url(&self.folder, "postgres")).unwrap();
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        admin.batch_execute(sql).unwrap();
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = as_account(account(), &self.binaries.join("pg_ctl"));
        must(command.args(arguments).arg("--pgdata").arg(self.folder.join("data")));
    }

    /// A migrated database that nobody else uses.
    pub fn database(&'static self) -> Database {
        let name = format!("souk_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")).unwrap();
        Database { url: url(&self.folder, &name), name, server: self }
    }

    fn run(&self, sql: &str) -> diesel::QueryResult<()> {
        // A test that failed here poisons nothing: the connection takes one statement after the other.
        self.admin.lock().unwrap_or_else(PoisonError::into_inner).batch_execute(sql)
    }
}

/// A database of one test, dropped with it.
pub struct Database {
    /// How to reach it.
    pub url: String,
    name: String,
    server: &'static Server,
}

impl Drop for Database {
    fn drop(&mut self) {
        // If it stays, it goes with the server.
        let _ = self.server.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn url(folder: &Path, database: &str) -> String {
    format!("postgres:///{database}?host={}&user=souk", folder.display())
}

/// The folder with PostgreSQL's server programs: in the PATH, or where distributions put them beside it.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path)
        // Followed through links: `pg_ctl` stands beside the real `initdb`.
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|initdb| Some(initdb.parent()?.to_owned()));
    let mut installed: Vec<PathBuf> =
        ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"]
            .iter()
            .filter_map(|root| std::fs::read_dir(root).ok())
            .flat_map(|versions| versions.flatten().map(|version| version.path().join("bin")))
            .collect();
    // The newest first.
    installed.sort();
    installed.reverse();
    in_path.chain(installed).find(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
}

/// PostgreSQL refuses to run as root: the account that root hands it to.
fn account() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout.trim_ascii() == b"0";
    let exists =
        |account: &&str| Command::new("id").arg(account).output().is_ok_and(|found| found.status.success());
    is_root.then(|| ["postgres", "nobody"].into_iter().find(exists).expect("an account that is not root"))
}

fn as_account(account: Option<&str>, program: &Path) -> Command {
    let Some(account) = account else { return Command::new(program) };
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    let mut command = Command::new(if has_setpriv { "setpriv" } else { "runuser" });
    if has_setpriv {
        command.args(["--reuid", account, "--clear-groups"]).arg("--");
    } else {
        command.args(["-u", account, "--"]);
    }
    command.arg(program);
    command
}

/// When this process has ended, kills the server by the pid that it wrote down, and removes its folder.
const CLEANER: &str = r#"
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    rm -rf "$1"
"#;

fn must(command: &mut Command) {
    let done = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
