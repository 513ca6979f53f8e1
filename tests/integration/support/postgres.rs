//! A temporary PostgreSQL server: started once per test process from the installed binaries, removed with it.
//!
//! It listens on a socket in its own temporary folder and on no port, so that concurrent test runs cannot
//! interfere. A shell reading from a pipe to this process outlives it, however it ends, then stops the server
//! and removes the folder.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use souk::db::{Db, DbConfig, Target};

use super::scratch;

/// The shared server of this test process; `None` if PostgreSQL is not installed.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(FORGETFUL, None)).as_ref()
}

/// A server for one test, which may stop and restart it; removed on drop.
pub fn own_server() -> Option<Server> {
    Server::start(KEEPS_COMMITS, None)
}

/// The same, with messages in German; `None` if it cannot have them.
pub fn own_server_in_german() -> Option<Server> {
    let has_sources = Path::new("/usr/share/i18n/locales/de_DE").exists();
    let has_messages = std::fs::read_dir("/usr/share/locale/de/LC_MESSAGES").is_ok_and(|files| {
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("postgres-"))
    });
    if has_sources && has_messages { Server::start(KEEPS_COMMITS, Some("de_DE")) } else { None }
}

/// A running PostgreSQL, with a migrated template database.
pub struct Server {
    binaries: PathBuf,
    folder: PathBuf,
    admin: Mutex<PgConnection>,
    made: AtomicU32,
    /// Cleans up when its standard input closes, which happens when this process ends.
    _cleaner: Child,
}

const TEMPLATE: &str = "souk_template";

/// No durability: the data do not outlive the process. The tests kill Souk, not the server.
const FORGETFUL: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";

/// For tests that kill the server, not the machine: a commit must have reached the operating system.
const KEEPS_COMMITS: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=on";

impl Server {
    fn start(durability: &str, language: Option<&str>) -> Option<Self> {
        let binaries = binaries()?;
        let folder = scratch::base().join(format!("souk-pg-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let account = account();
        // Accessible to us or that account only; PostgreSQL insists on it.
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
        let messages = language.map(|language| {
            let locale = folder.join(format!("{language}.UTF-8"));
            // Without an entry in the system's archive, which only root may change.
            must(Command::new("localedef").args(["-i", language, "-f", "UTF-8"]).arg(&locale));
            format!("-c lc_messages={language}.UTF-8")
        });
        let messages = messages.unwrap_or_default();
        let options = format!(
            "-k {} -c listen_addresses= {durability} {messages} -c max_connections=500 -c shared_buffers=64MB \
             -c max_wal_size=1GB -c autovacuum=off",
            folder.display()
        );
        must(
            as_account(account, &binaries.join("pg_ctl"))
                .env("LOCPATH", &folder)
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

    /// The migrated template database, for a test that has the server to itself.
    pub fn url(&self) -> String {
        url(&self.folder, TEMPLATE)
    }

    /// Folder of the server's socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same database through a socket in another folder.
    pub fn url_by(&self, folder: &Path) -> String {
        url(folder, TEMPLATE)
    }

    /// Stops the server (`fast` notifies connections, `immediate` acts like a crash).
    pub fn stop(&self, mode: &str) {
        self.control(&["stop", "--silent", "--mode", mode, "--wait", "--timeout=60"]);
    }

    /// Restarts a stopped server with the same options and waits until it accepts connections.
    pub fn start_again(&self) {
        let options = std::fs::read_to_string(self.folder.join("data/postmaster.opts")).unwrap();
        // The file holds the program's path and its quoted options.
        let options = options.trim().split_once(' ').unwrap().1.replace('"', "'");
        let log = format!("--log={}", self.folder.join("log").display());
        let options = format!("--options={options}");
        let mut tries = 0;
        // After a kill, it refuses until the last child of the killed one is gone.
        while !self.try_control(&["start", "--silent", "--wait", "--timeout=60", &log, &options]) {
            assert!(tries < 200, "the server does not start again");
            tries += 1;
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Kills the server's main process, whose children end as soon as they notice.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        must(Command::new("kill").args(["-KILL", pid.lines().next().unwrap()]));
    }

    /// Terminates every connection to its databases, as an operator would.
    pub fn terminate_connections(&self) {
        // A new connection: the kept one did not survive the last restart.
        let mut admin = PgConnection::establish(&url(&self.folder, "postgres")).unwrap();
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        admin.batch_execute(sql).unwrap();
    }

    fn try_control(&self, arguments: &[&str]) -> bool {
        let mut command = as_account(account(), &self.binaries.join("pg_ctl"));
        command.args(arguments).arg("--pgdata").arg(self.folder.join("data"));
        let done = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        done.status().unwrap().success()
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = as_account(account(), &self.binaries.join("pg_ctl"));
        must(command.args(arguments).arg("--pgdata").arg(self.folder.join("data")));
    }

    /// Creates a migrated database for one test.
    pub fn database(&'static self) -> Database {
        let name = format!("souk_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")).unwrap();
        Database { url: url(&self.folder, &name), name, server: self }
    }

    fn run(&self, sql: &str) -> diesel::QueryResult<()> {
        // A poisoned lock is harmless: the connection executes single statements.
        self.admin.lock().unwrap_or_else(PoisonError::into_inner).batch_execute(sql)
    }
}

impl Database {
    /// The log of its server, which has other databases as well.
    pub fn server_log(&self) -> PathBuf {
        self.server.folder.join("log")
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An empty database beside this one.
    pub fn empty_sibling(&self) -> Self {
        let name = format!("souk_{}", self.server.made.fetch_add(1, Ordering::Relaxed));
        self.server.run(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).unwrap();
        Self { url: url(&self.server.folder, &name), name, server: self.server }
    }

    /// Runs a client program of PostgreSQL (`pg_dump`), which must succeed.
    pub fn run_tool(&self, name: &str, arguments: &[&str]) {
        must(Command::new(self.server.binaries.join(name)).args(arguments));
    }
}

/// A database of one test, dropped with it.
pub struct Database {
    /// Its connection URL.
    pub url: String,
    name: String,
    server: &'static Server,
}

impl Drop for Database {
    fn drop(&mut self) {
        // If this fails, the database is removed with the server.
        let _ = self.server.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn url(folder: &Path, database: &str) -> String {
    format!("postgres:///{database}?host={}&user=souk", folder.display())
}

/// The folder of PostgreSQL's server programs: in the PATH, or where distributions install them.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path)
        // Links resolved: `pg_ctl` is beside the real `initdb`.
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|initdb| Some(initdb.parent()?.to_owned()));
    let mut installed: Vec<PathBuf> =
        ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"]
            .iter()
            .filter_map(|root| std::fs::read_dir(root).ok())
            .flat_map(|versions| versions.flatten().map(|version| version.path().join("bin")))
            .collect();
    // The newest version last.
    installed.sort();
    installed.reverse();
    in_path.chain(installed).find(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
}

/// PostgreSQL refuses to run as root; root runs it under this account.
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

/// When this process has ended, kills the server by its pid file and removes its folder.
const CLEANER: &str = r#"
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    rm -rf "$1"
"#;

fn must(command: &mut Command) {
    let done = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
