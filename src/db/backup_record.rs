//! When a SQLite database was last backed up: a small file beside it, which `souk backup` writes and the server reads.
//!
//! Not a row. A backup must not wait for the server's writer, is often made before an update brings a new schema, and
//! is known of also after an older database was restored.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Registry};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};

use super::Target;
use super::backup::{Partial, sync_folder};
use super::outage::Outage;

/// Added to the database's name.
const SUFFIX: &str = ".last-backup";

/// How far ahead the clock may have been that a record's time is from.
const CLOCKS_DIFFER_BY: Duration = Duration::from_secs(60);

/// Largest record that is read, in bytes.
const LONGEST: u64 = 1_024;

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupRecord {
    /// When it began: what was acknowledged before is in it.
    pub(crate) at: Timestamp,
    /// Size of the copy.
    pub(crate) bytes: u64,
}

/// A backup that is whole.
#[derive(Debug)]
pub(crate) struct BackedUp {
    /// Whether it was recorded beside the database, too.
    pub(crate) recorded: io::Result<()>,
}

/// What is known of the last backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastBackup {
    /// Nothing: PostgreSQL is backed up by its own tools.
    Outside,
    /// `souk backup` has made none of this file.
    None,
    /// This one.
    Made(BackupRecord),
    /// The record cannot be read.
    Unknown,
}

/// The records of the database that a server uses.
pub(super) struct BackupRecords {
    /// `None` on PostgreSQL.
    database: Option<PathBuf>,
    unreadable: Outage,
}

impl BackupRecords {
    pub(super) fn of(target: &Target) -> Self {
        let database = match target {
            Target::Sqlite(file) => Some(file.clone()),
            Target::Postgres(_) => None,
        };
        Self { database, unreadable: Outage::new("reading when the last backup was made", log::Level::Warn) }
    }

    /// Reads a small file.
    pub(super) fn last(&self) -> LastBackup {
        let Some(database) = &self.database else { return LastBackup::Outside };
        let read = read(database);
        match &read {
            Ok(_) => self.unreadable.succeeded(),
            Err(error) => self.unreadable.failed(error),
        }
        match read {
            Ok(record) => record.map_or(LastBackup::None, LastBackup::Made),
            Err(_) => LastBackup::Unknown,
        }
    }
}

/// Beside the file itself, whatever link it was named by.
fn place(database: &Path) -> io::Result<PathBuf> {
    let real = database.canonicalize()?;
    let mut name = real.file_name().unwrap_or_default().to_owned();
    name.push(SUFFIX);
    Ok(real.with_file_name(name))
}

fn read(database: &Path) -> io::Result<Option<BackupRecord>> {
    let place = place(database)?;
    match place.metadata() {
        // Opening a pipe would wait for who writes into it.
        Ok(found) if !found.is_file() => return Err(io::Error::other("the record is not a file")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = std::fs::File::open(place)?;
    let record: BackupRecord = serde_json::from_reader(io::Read::take(file, LONGEST))?;
    if record.at > Clock::system().now().plus(CLOCKS_DIFFER_BY) {
        return Err(io::Error::other("the record is of a time to come: a clock was wrong"));
    }
    Ok(Some(record))
}

/// Records that this copy of a database was begun now.
pub(super) fn record(target: &Target, copy: &Path, now: Timestamp) -> io::Result<()> {
    let Target::Sqlite(database) = target else { return Ok(()) };
    write(database, &BackupRecord { at: now, bytes: copy.metadata()?.len() })
}

/// Keeps the later one of this record and that which is there.
fn write(database: &Path, record: &BackupRecord) -> io::Result<()> {
    // One that cannot be read is written over.
    if read(database).is_ok_and(|known| known.is_some_and(|known| known.at > record.at)) {
        return Ok(());
    }
    let place = place(database)?;
    let partial = Partial::beside(&place);
    // Readable by all, unlike the copy: the server may be another user than who makes backups.
    let mut file = OpenOptions::new().write(true).create_new(true).open(partial.path())?;
    file.write_all(&serde_json::to_vec(record)?)?;
    file.sync_all()?;
    std::fs::rename(partial.path(), &place)?;
    sync_folder(&place)
}

/// Registers the time of the last backup, which is read whenever the metrics are.
pub(super) fn register_metrics(
    records: std::sync::Arc<BackupRecords>,
    registry: &Registry,
) -> prometheus::Result<()> {
    let gauge = IntGauge::new(
        "souk_last_backup_timestamp_seconds",
        "When the last souk backup of the SQLite file began, in seconds since 1970; 0 if none is known",
    )?;
    registry.register(Box::new(Collected { gauge, records }))
}

struct Collected {
    gauge: IntGauge,
    records: std::sync::Arc<BackupRecords>,
}

impl Collector for Collected {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(match self.records.last() {
            LastBackup::Made(record) => record.at.as_seconds(),
            LastBackup::Outside | LastBackup::None | LastBackup::Unknown => 0,
        });
        self.gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seconds: i64) -> BackupRecord {
        BackupRecord { at: Timestamp::from_seconds(seconds).unwrap(), bytes: 4_096 }
    }

    #[test]
    fn the_latest_backup_is_known_by_every_name_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("souk.db");
        std::fs::write(&file, "").unwrap();
        let records = BackupRecords::of(&Target::Sqlite(file.clone()));
        assert_eq!(records.last(), LastBackup::None);
        for (made, known) in [(100, 100), (300, 300), (200, 300)] {
            write(&file, &record(made)).unwrap();
            assert_eq!(records.last(), LastBackup::Made(record(known)));
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("link.db");
            std::os::unix::fs::symlink(&file, &link).unwrap();
            write(&link, &record(400)).unwrap();
            assert_eq!(records.last(), LastBackup::Made(record(400)));
        }
        assert_eq!(BackupRecords::of(&Target::Postgres("postgres:///x".into())).last(), LastBackup::Outside);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_as_unknown_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("souk.db");
        std::fs::write(&file, "").unwrap();
        let records = BackupRecords::of(&Target::Sqlite(file.clone()));
        for junk in ["", "{", "{\"at\": 7}", &"x".repeat(5_000)] {
            std::fs::write(folder.path().join("souk.db.last-backup"), junk).unwrap();
            assert_eq!(records.last(), LastBackup::Unknown, "{junk}");
        }
        write(&file, &record(100)).unwrap();
        assert_eq!(records.last(), LastBackup::Made(record(100)));
        write(&file, &record(100_000_000_000)).unwrap();
        assert_eq!(records.last(), LastBackup::Unknown, "of a clock that was wrong");
        write(&file, &record(200)).unwrap();
        assert_eq!(records.last(), LastBackup::Made(record(200)));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("souk.db");
        std::fs::write(&file, "").unwrap();
        let pipe = folder.path().join("souk.db.last-backup");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(BackupRecords::of(&Target::Sqlite(file.clone())).last(), LastBackup::Unknown);
        write(&file, &record(100)).unwrap();
        assert_eq!(BackupRecords::of(&Target::Sqlite(file)).last(), LastBackup::Made(record(100)));
    }
}
