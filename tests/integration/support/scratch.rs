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
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let cleaner = afterwards(r#"rm -rf "$1""#, &folder.display().to_string());
        (folder, cleaner)
    });
    folder
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
