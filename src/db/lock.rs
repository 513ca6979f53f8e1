//! The process lock of a SQLite file: at most one server per file.
//!
//! SQLite itself would let two servers write to one file, but each announces only its own commits to its own
//! sessions. The lock is an operating-system lock on `<file>.lock` and ends with the process, however that
//! ends. The lock file is never deleted, since another process may be about to lock it: it holds the process
//! id while locked, and is empty after an orderly stop.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Target;

/// Exclusive right to serve a SQLite file, released on drop.
#[derive(Debug)]
pub(super) struct FileLock(File);

/// Why the SQLite file may not be served or changed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error(
        "{} is in use by another souk{}: stop that one first, or name another file with --database-url (DATABASE_URL)",
        .file.display(),
        .holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Held {
        /// The database file, links resolved.
        file: PathBuf,
        /// Process id of the holder, where it could be read.
        holder: Option<u32>,
    },
    /// Creating or locking the lock file failed.
    #[error("cannot lock the database {}: {cause}", .file.display())]
    Failed {
        /// The database file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
}

impl FileLock {
    /// Takes the lock of a SQLite file, creating the file if needed; `None` for PostgreSQL, which needs no
    /// lock.
    pub(super) fn take(target: &Target) -> Result<Option<Self>, LockError> {
        let Target::Sqlite(file) = target else { return Ok(None) };
        let failed = |cause| LockError::Failed { file: file.clone(), cause };
        let (mut lock, real) = open(file).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { file: real, holder: holder(&mut lock) });
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                log::warn!("{}: its file system has no locks; serve it once only", file.display());
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The process id, for the error message of a later process; failing to write it is no error.
        let noted = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        if let Err(error) = noted {
            log::debug!("the lock of {} does not say who holds it: {error}", file.display());
        }
        Ok(Some(Self(lock)))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
        // Closing the file would unlock it as well.
        let _ = self.0.unlock();
    }
}

/// Opens the lock file of a database. Links and relative paths are resolved first, so that every name of the
/// database leads to the same lock.
fn open(database: &Path) -> io::Result<(File, PathBuf)> {
    if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // An existing database is not opened here: closing it would release SQLite's own locks on it (POSIX).
    if !database.try_exists()? {
        OpenOptions::new().append(true).create(true).open(database)?;
    }
    let real = database.canonicalize()?;
    let mut name = real.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    let lock = options.read(true).write(true).create(true).truncate(false).open(real.with_file_name(name))?;
    Ok((lock, real))
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut pid = String::new();
    lock.read_to_string(&mut pid).ok()?;
    pid.parse().ok()
}
