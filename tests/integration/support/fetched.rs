//! Third-party client programs: `tests/clients/<name>` lists them, with a lock file of exact versions.
//!
//! Dependencies are fetched once, into `target/clients`. If the runtime is not installed or nothing can be
//! fetched, the tests report it and are skipped; with `SOUK_REQUIRE_SERVICES=1` they fail.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A folder with these files of ours and the packages of `package-lock.json`.
pub fn by_npm(name: &str, files: &[&str]) -> Result<PathBuf, String> {
    let files = [files, &["package.json", "package-lock.json"]].concat();
    let install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    fetch(name, &files, "package-lock.json", &install)
}

/// Runs a program of such a folder with node, which must succeed; returns its output.
pub async fn node(home: &Path, arguments: &[impl AsRef<OsStr> + Debug]) -> String {
    let output = tokio::process::Command::new("node")
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "node {arguments:?} failed: {text}");
    text
}

/// A folder with these files of ours and the packages of `requirements.txt`.
pub fn by_pip(name: &str, files: &[&str]) -> Result<PathBuf, String> {
    let files = [files, &["requirements.txt"]].concat();
    let install =
        ["python3", "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target=packages"];
    fetch(name, &files, "requirements.txt", &[&install[..], &["--requirement=requirements.txt"]].concat())
}

fn fetch(name: &str, files: &[&str], lock: &str, install: &[&str]) -> Result<PathBuf, String> {
    // Two tests may want the same packages at once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("tests/clients").join(name);
    let home = root.join("target/clients").join(name);
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let locked = std::fs::read(source.join(lock)).map_err(|error| error.to_string())?;
    let is_there = std::fs::read(home.join("installed")).is_ok_and(|installed| installed == locked);
    for file in files {
        let ours = std::fs::read(source.join(file)).map_err(|error| error.to_string())?;
        // One that is there already may be read by another test right now.
        if !std::fs::read(home.join(file)).is_ok_and(|copied| copied == ours) {
            std::fs::write(home.join(file), ours).map_err(|error| error.to_string())?;
        }
    }
    if is_there {
        return Ok(home);
    }
    let output = Command::new(install[0]).args(&install[1..]).current_dir(&home).output();
    let output = output.map_err(|error| format!("{} is not installed: {error}", install[0]))?;
    if !output.status.success() {
        return Err(format!("its packages cannot be fetched: {}", String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::write(home.join("installed"), locked).map_err(|error| error.to_string())?;
    Ok(home)
}

/// Reports that a test was skipped; with `SOUK_REQUIRE_SERVICES=1` it fails instead.
pub fn skip(what: &str, why: &str) {
    let required = std::env::var_os("SOUK_REQUIRE_SERVICES").is_some_and(|value| value == "1");
    assert!(!required, "required, and skipped: {what}: {why}");
    // Not `eprintln`, which the test runner captures for passing tests.
    let _ = writeln!(std::io::stderr(), "\nskipped: a test with {what}: {why}\n");
}
