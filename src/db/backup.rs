//! Consistent online backup of a SQLite database, safe while a server writes to it. PostgreSQL has its own
//! tools.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use super::connection::{Access, ConnectError, Manager};
use super::{DbConfig, Target};

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// PostgreSQL: `pg_dump` does this better.
    #[error(
        "souk backup copies a SQLite file; for PostgreSQL use its own tool: pg_dump --format=custom --file=PATH \
         --dbname=\"$DATABASE_URL\""
    )]
    Postgres,
    /// The SQLite file does not exist.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// The destination exists already; a backup never overwrites.
    #[error("{} exists: a backup writes over nothing, name a new file", .0.display())]
    Exists(PathBuf),
    /// SQLite accepts paths only as UTF-8.
    #[error("{} is not UTF-8, which SQLite needs", .0.display())]
    NotUtf8(PathBuf),
    /// The database cannot be opened.
    #[error("cannot open the database: {0}")]
    Open(String),
    /// Copying failed.
    #[error("the database was not copied: {0}")]
    Copy(#[from] diesel::result::Error),
    /// Writing the destination failed.
    #[error("{} was not written: {cause}", .file.display())]
    Write {
        /// The destination.
        file: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
}

/// Copies one consistent snapshot of the database to a new file, synced to disk when this returns. A server
/// using the database is not stopped. The copy is written under a temporary name in the same folder, so that
/// `to` never holds a partial one.
pub(super) fn copy(config: &DbConfig, to: &Path) -> Result<(), BackupError> {
    let Target::Sqlite(from) = &config.target else { return Err(BackupError::Postgres) };
    let failed = |cause| BackupError::Write { file: to.to_owned(), cause };
    if !from.try_exists().map_err(failed)? {
        return Err(BackupError::Missing(from.clone()));
    }
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = Partial::beside(to);
    make(&partial.0).map_err(failed)?;
    let path = partial.0.to_str().ok_or_else(|| BackupError::NotUtf8(to.to_owned()))?;

    let opened = Manager::new(config, Access::Write).establish();
    let mut connection = opened.map_err(|error: ConnectError| BackupError::Open(error.to_string()))?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(path).execute(&mut connection)?;
    File::open(&partial.0).and_then(|file| file.sync_all()).map_err(failed)?;
    // `hard_link` fails if `to` exists, even if it was created meanwhile; `rename` would overwrite it.
    match std::fs::hard_link(&partial.0, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists(to.to_owned()));
        }
        // The file system has no hard links.
        Err(_) => std::fs::rename(&partial.0, to).map_err(failed)?,
    }
    sync_folder(to).map_err(failed)
}

/// The temporary file, removed on drop: by then it has been linked or renamed to its final name, or the
/// backup failed.
pub(super) struct Partial(PathBuf);

impl Partial {
    /// A name in the folder of `file` that nobody else has.
    pub(super) fn beside(file: &Path) -> Self {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", uuid::Uuid::new_v4().simple()));
        Self(file.with_file_name(name))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Creates an empty file for SQLite to fill, readable by its owner only, since it will hold the whole
/// database.
pub(super) fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
