//! Temporary files and child processes of this test process. Shells that read from a pipe to it clean them up
//! when the pipe closes, however the process ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The temporary folder of this test process, removed soon after its end.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (folder, _) = FOLDER.get_or_init(|| {
        let name = format!("souk-tests-{}", uuid::Uuid::new_v4().simple());
        let folder = base().join(name);
        std::fs::create_dir(&folder).unwrap();
        let cleaner = afterwards(r#"rm -rf "$1""#, &folder.display().to_string());
        (folder, cleaner)
    });
    folder
}

/// Where folders of databases are made: in memory if there is room, since a disk spends more on the files of a
/// thousand databases than the tests do. Nothing here outlives the machine, and what a killed process wrote is kept
/// by either. Not where more rows than usual are asked for, which would take the machine's memory.
pub fn base() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    /// KiB; the suite takes a fifth of it.
    const ROOM: u64 = 2 * 1024 * 1024;
    let free = Command::new("df").args(["--output=avail", "-k", MEMORY]).output().ok().and_then(|df| {
        let table = String::from_utf8(df.stdout).ok()?;
        table.lines().last()?.trim().parse::<u64>().ok()
    });
    let is_usual = std::env::var_os("SOUK_PLAN_ROWS").is_none();
    if is_usual && free.is_some_and(|free| free >= ROOM) { MEMORY.into() } else { std::env::temp_dir() }
}

/// Starts a watchdog that kills the process with this pid if ours ends first. The caller must kill the
/// watchdog once that process has ended, since the pid may be reused.
pub fn kill_afterwards(pid: u32) -> Child {
    afterwards(r#"kill -KILL "$1""#, &pid.to_string())
}

/// Runs a shell script with `$1` when this process has ended. Its standard input is never written to.
pub fn afterwards(script: &str, argument: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("trap '' INT TERM HUP; read -r _; {script}"), "sh", argument])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
