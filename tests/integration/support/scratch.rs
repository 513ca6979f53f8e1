//! What this test process leaves lying about, and who cleans up after it however it ends: shells that read from a pipe
//! to it, which closes when it does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A folder of this test process, gone soon after it.
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

/// Kills the process with this pid should ours end first. To be killed itself once that process has ended, since its
/// pid may be another's from then on.
pub fn kill_afterwards(pid: u32) -> Child {
    afterwards(r#"kill -KILL "$1""#, &pid.to_string())
}

/// Runs a line of shell, with `$1`, when this process has ended. Nobody writes to its standard input.
pub fn afterwards(script: &str, argument: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("trap '' INT TERM HUP; read -r _; {script}"), "sh", argument])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
