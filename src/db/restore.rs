//! Puts a backup of a SQLite database in the place of the database. PostgreSQL has its own tools.
//!
//! Whatever moment the process ends at, the database's path holds the old database, nothing, or the whole new
//! one, and what was there before is complete under its new name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::clock::Timestamp;

use super::backup::{Partial, make, sync_folder};
use super::lock::FileLock;
use super::verify::{self, Fault, InspectError};
use super::{DbConfig, LockError, SchemaAge, Target};

/// What is to be restored, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restore<'a> {
    /// The backup.
    pub(crate) backup: &'a Path,
    /// What to do with a database that is there.
    pub(crate) existing: Existing,
    /// Names the database that is kept aside.
    pub(crate) at: Timestamp,
}

/// What to do with a database that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave it alone, and restore nothing.
    Refuse,
    /// Keep it under another name.
    KeepAside,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Restored {
    /// The database, links resolved.
    pub(crate) database: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
    /// How its schema relates to this binary's.
    pub(crate) age: SchemaAge,
    /// Where the database that was there is now.
    pub(crate) aside: Option<PathBuf>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// PostgreSQL: `pg_restore` does this better.
    #[error(
        "souk restore puts a SQLite file in place; for PostgreSQL use its own tools, with all servers stopped: createdb \
         NAME, then pg_restore --exit-on-error --no-owner --dbname=NAME FILE for what pg_dump --format=custom made, or \
         recover to a point in time from a base backup and archived WAL; then run souk verify"
    )]
    Postgres,
    /// The backup does not exist.
    #[error("there is no backup at {}", .0.display())]
    Missing(PathBuf),
    /// The backup is the database.
    #[error("{} is the database itself, not a backup of it", .0.display())]
    Same(PathBuf),
    /// There is a database already.
    #[error("{} exists: --replace keeps it aside under another name and restores the backup", .0.display())]
    Exists(PathBuf),
    /// Files beside the backup belong to it: it is a copy of a database in use.
    #[error(
        "{} lies beside the backup: together they are a database that was not closed, not a backup; make one of them \
         with souk backup NEW --database-url {}",
        .beside.display(), .backup.display()
    )]
    NotClosed {
        /// The backup.
        backup: PathBuf,
        /// Its write-ahead log or journal.
        beside: PathBuf,
    },
    /// A server has the database.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The backup cannot be read as a database.
    #[error("the backup is not usable: {0}")]
    Unreadable(#[from] InspectError),
    /// The backup is damaged.
    #[error("the backup is damaged: {}", describe(.0))]
    Damaged(Vec<Fault>),
    /// A newer binary made the backup.
    #[error(
        "the backup has the migration {0}, which souk {own} does not know: a newer souk made it, restore it with that one",
        own = env!("CARGO_PKG_VERSION")
    )]
    Newer(String),
    /// Reading or writing a file failed.
    #[error("{}: {cause}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
}

fn describe(faults: &[Fault]) -> String {
    let all: Vec<_> =
        faults.iter().map(|fault| format!("{} {}: {}", fault.in_table, fault.id, fault.what)).collect();
    all.join("; ")
}

/// Faults of a damaged backup that are told.
const MOST_TOLD: usize = 5;

/// Files that belong to a SQLite database and hold committed changes of it.
const PARTS: [&str; 2] = ["-wal", "-journal"];

/// Copies the backup into the database's folder, checks the copy, and only then renames it to the database.
pub(super) fn restore(config: &DbConfig, asked: Restore<'_>) -> Result<Restored, RestoreError> {
    let Target::Sqlite(database) = &config.target else { return Err(RestoreError::Postgres) };
    let backup = asked.backup;
    if !exists(backup)? {
        return Err(RestoreError::Missing(backup.to_owned()));
    }
    for part in PARTS {
        let beside = with_suffix(backup, part);
        if size(&beside)? > 0 {
            return Err(RestoreError::NotClosed { backup: backup.to_owned(), beside });
        }
    }
    // An empty file is no database: SQLite and the lock below make one.
    let is_there = size(database)? > 0;
    if is_there && same(backup, database)? {
        return Err(RestoreError::Same(backup.to_owned()));
    }
    if is_there && asked.existing == Existing::Refuse {
        return Err(RestoreError::Exists(database.clone()));
    }
    let is_new = !exists(database)?;
    // Makes an empty file where there is none.
    let _lock = FileLock::take(&config.target)?;
    let database = database.canonicalize().map_err(in_file(database))?;
    let restored = put_in_place(config, asked, &database, is_there);
    if is_new && restored.is_err() {
        remove(&database)?;
    }
    restored
}

/// With the lock of the database held.
fn put_in_place(
    config: &DbConfig,
    asked: Restore<'_>,
    database: &Path,
    is_there: bool,
) -> Result<Restored, RestoreError> {
    let Restore { backup, at, .. } = asked;
    let copy = Partial::beside(database);
    copy_to(backup, copy.path())?;
    let age = check(copy.path(), config)?;
    let aside = match is_there {
        true => Some(keep_aside(database, at)?),
        false => None,
    };
    // Before the new file has the name: SQLite would take them for its own.
    for part in PARTS.iter().chain(&["-shm"]) {
        remove(&with_suffix(database, part))?;
    }
    sync_folder(database).map_err(in_file(database))?;
    std::fs::rename(copy.path(), database).map_err(in_file(database))?;
    sync_folder(database).map_err(in_file(database))?;
    Ok(Restored { database: database.to_owned(), bytes: size(database)?, age, aside })
}

fn copy_to(backup: &Path, copy: &Path) -> Result<(), RestoreError> {
    let mut from = File::open(backup).map_err(in_file(backup))?;
    let mut to = make(copy).map_err(in_file(copy))?;
    io::copy(&mut from, &mut to).map_err(in_file(copy))?;
    to.sync_all().map_err(in_file(copy))
}

fn check(copy: &Path, config: &DbConfig) -> Result<SchemaAge, RestoreError> {
    let checked = verify::check_file(copy, config)?;
    // Left where the backup was in the write-ahead mode.
    for part in PARTS.iter().chain(&["-shm"]) {
        remove(&with_suffix(copy, part))?;
    }
    match checked {
        Ok(SchemaAge::Newer(migration)) => Err(RestoreError::Newer(migration)),
        Ok(age) => Ok(age),
        Err(mut faults) => {
            faults.truncate(MOST_TOLD);
            Err(RestoreError::Damaged(faults))
        }
    }
}

/// Gives the database and its write-ahead log second names; the first ones are the caller's to take.
fn keep_aside(database: &Path, at: Timestamp) -> Result<PathBuf, RestoreError> {
    let when: String = at.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    let aside = with_suffix(database, &format!(".replaced-{when}Z"));
    link(database, &aside)?;
    for part in PARTS {
        let from = with_suffix(database, part);
        if exists(&from)? {
            link(&from, &with_suffix(&aside, part))?;
        }
    }
    sync_folder(&aside).map_err(in_file(&aside))?;
    Ok(aside)
}

fn link(from: &Path, to: &Path) -> Result<(), RestoreError> {
    match std::fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(in_file(to)(error)),
        // The file system has no hard links.
        Err(_) => copy_to(from, to),
    }
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn exists(file: &Path) -> Result<bool, RestoreError> {
    file.try_exists().map_err(in_file(file))
}

/// Zero where there is no file.
fn size(file: &Path) -> Result<u64, RestoreError> {
    match file.metadata() {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(in_file(file)(error)),
    }
}

fn same(one: &Path, other: &Path) -> Result<bool, RestoreError> {
    let real = |file: &Path| file.canonicalize().map_err(in_file(file));
    Ok(real(one)? == real(other)?)
}

fn remove(file: &Path) -> Result<(), RestoreError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(in_file(file)(error)),
        _ => Ok(()),
    }
}

fn in_file(file: &Path) -> impl Fn(io::Error) -> RestoreError {
    let file = file.to_owned();
    move |cause| RestoreError::File { file: file.clone(), cause }
}
