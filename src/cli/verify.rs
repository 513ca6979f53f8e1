//! `souk verify`: looks whether everything that must hold of a database does.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::clock::Clock;
use crate::config::{DatabaseUrl, Settings};
use crate::db::Db;
use crate::db::verify::Checked;
use crate::domain::entries::KeyEncryptionKey;
use crate::domain::verify;
use crate::server;

/// What `souk verify` takes besides the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A SQLite file to look at instead of --database-url, such as a backup
    #[arg(value_name = "PATH")]
    file: Option<PathBuf>,

    /// Print a JSON object per check, and one with the sums
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Exit code of a database with faults.
const FAULTS: u8 = 1;

/// Exit code of checks that could not be made.
const NOT_VERIFIED: u8 = 2;

/// Verifies, and reports on standard output.
#[allow(clippy::print_stderr, reason = "a command's answer, not a log line")]
pub(super) fn run(options: Options) -> ExitCode {
    let mut sums = Sums::default();
    match (verify(options, &mut sums), sums.faults) {
        (Ok(()), 0) => ExitCode::SUCCESS,
        (Ok(()), _) => ExitCode::from(FAULTS),
        // A file can be so damaged that the checks do not come to their end.
        (Err(error), 1..) => {
            eprintln!("not verified to the end: {error}");
            ExitCode::from(FAULTS)
        }
        (Err(error), 0) => {
            eprintln!("not verified: {error}");
            ExitCode::from(NOT_VERIFIED)
        }
    }
}

#[derive(Default, serde::Serialize)]
struct Sums {
    checks: usize,
    rows: u64,
    faults: usize,
    /// Whether there are faults that are not counted.
    has_more: bool,
}

fn verify(options: Options, sums: &mut Sums) -> Result<(), super::Failed> {
    let Options { file, json, settings } = options;
    let settings = match file {
        Some(file) => settings.with_database(DatabaseUrl::Sqlite(file)),
        None => settings,
    };
    let key = settings.known_journal_key()?.map(|key| KeyEncryptionKey::new(key.expose()));
    let mut report = |checked: Checked| {
        sums.checks += 1;
        sums.rows += checked.rows;
        sums.faults += checked.faults.len();
        sums.has_more |= checked.has_more;
        if json { print_json(&checked) } else { print_text(&checked) }
    };
    let config = server::db_config(settings.database());
    Db::verify(&config, &Clock::system(), &mut report, |checks| verify::run(checks, key.as_ref()))?;
    match json {
        true => print_json(sums),
        false => print_sums(sums, key.is_some()),
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
fn print_json(what: &impl serde::Serialize) {
    if let Ok(line) = serde_json::to_string(what) {
        println!("{line}");
    }
}

#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
fn print_text(Checked { name, rows, faults, has_more }: &Checked) {
    let state = if faults.is_empty() { "ok   " } else { "FAULT" };
    println!("{state}  {name:<24} {rows:>10}");
    for fault in faults {
        println!("       {} {}: {}", fault.in_table, fault.id, fault.what);
    }
    if *has_more {
        println!("       and more");
    }
}

#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
fn print_sums(sums: &Sums, has_key: bool) {
    let Sums { checks, rows, faults, has_more } = sums;
    let faults = match (faults, has_more) {
        (0, _) => "no faults".to_owned(),
        (count, false) => format!("{count} faults"),
        (count, true) => format!("more than {count} faults"),
    };
    let journals =
        if has_key { "" } else { "; journals were not opened, which takes their key (--journal-key-file)" };
    println!("{checks} checks, {rows} rows, {faults}{journals}");
}
