//! One SQLite file, one server: who serves a file holds a lock beside it.
//!
//! SQLite itself would let two servers write to one file, but what one of them commits is announced to its own sessions
//! only. The lock is the operating system's, on `<file>.lock`: it ends with the process, however that ends. The lock file
//! itself is never deleted, since somebody may be about to lock it: it holds the process id while it is locked, and is
//! empty after an orderly stop.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Target;

/// The right to serve a SQLite file, until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock(File);

/// The SQLite file is not ours to serve or to change.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "{} is in use by another souk{}: stop that one first, or name another file with --database-url (DATABASE_URL)",
        .file.display(),
        .holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Held {
        /// The database, where its links lead to.
        file: PathBuf,
        /// The process that has it, where it could be told.
        holder: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock the database {}: {cause}", .file.display())]
    Failed {
        /// The database.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl FileLock {
    /// Takes the lock of a SQLite file, which is made if it is not there; PostgreSQL needs none.
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
        // Whom to stop, for those who come later: worth having, not worth failing for.
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
        // Closing the file unlocks it, too.
        let _ = self.0.unlock();
    }
}

/// Opens the lock file that belongs to the database, whichever of its names it is given by: links and relative paths lead
/// to one file, and the lock stands beside that.
fn open(database: &Path) -> io::Result<(File, PathBuf)> {
    if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // An existing database is not opened here: closing it again would end the locks that SQLite has on it (POSIX).
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
