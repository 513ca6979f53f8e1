//! `souk rotate-journal-key`: seals the journals' data keys with a new key.

use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::config::journal::{self, JournalKey, KeptKey};
use crate::config::{JournalConfig, Settings};
use crate::db::Db;
use crate::domain::entries::{KeyEncryptionKey, Resealed, reseal_keys};
use crate::server;

/// What `souk rotate-journal-key` takes besides the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// File that holds the new key: 32 random bytes as 64 hex digits or as base64. Required unless the current key is the
    /// one that development keeps next to the database; then a new one is generated, and kept in its place
    #[arg(long, env = "SOUK_NEW_JOURNAL_KEY_FILE", value_name = "PATH")]
    new_journal_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Where the new key comes from.
enum New {
    File(PathBuf),
    Kept(KeptKey),
}

impl New {
    fn choose(file: Option<PathBuf>, config: &JournalConfig) -> Result<Self, super::Failed> {
        match (file, config) {
            (Some(file), _) => Ok(Self::File(file)),
            (None, JournalConfig::Kept(kept)) => Ok(Self::Kept(kept.clone())),
            (None, JournalConfig::Given(_)) => {
                Err("name the file of the new key with --new-journal-key-file \
                                 (SOUK_NEW_JOURNAL_KEY_FILE); `openssl rand -hex 32` makes one"
                    .into())
            }
        }
    }

    /// The key; one that is generated is on disk before anything is sealed with it.
    fn key(&self) -> Result<JournalKey, super::Failed> {
        let unreadable = |path: &Path, cause| format!("the new journal key {}: {cause}", path.display());
        match self {
            Self::File(path) => Ok(journal::read_key(path).map_err(|cause| unreadable(path, cause))?),
            Self::Kept(kept) => Ok(kept.make_next().map_err(|cause| unreadable(kept.path(), cause))?),
        }
    }

    /// After the commit. If the process ends before this, the next start or rotation does it.
    fn adopt(&self) -> Result<String, super::Failed> {
        match self {
            Self::File(path) => Ok(format!("give it to the server: --journal-key-file {}", path.display())),
            Self::Kept(kept) => {
                kept.adopt_next()?;
                Ok(format!("it is kept in {}", kept.path().display()))
            }
        }
    }
}

/// Rotates the key, and reports on standard output.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: Options) -> Result<(), super::Failed> {
    let Options { new_journal_key_file, settings } = options;
    if let Some(path) = settings.database().database_url.sqlite_path()
        && !path.try_exists()?
    {
        // A mistyped path must not make a database and a key.
        return Err(format!("there is no database {}", path.display()).into());
    }
    let config = settings.into_config()?;
    let new = New::choose(new_journal_key_file, &config.journal)?;
    let (id, Resealed { resealed, already }, next) =
        Db::maintain(&server::db_config(&config.database), &Clock::system(), |db| {
            // Read here, where no other rotation can replace it meanwhile.
            let current = KeyEncryptionKey::new(config.journal.key()?.expose());
            let key = KeyEncryptionKey::new(new.key()?.expose());
            let done = db.transaction(|uow| reseal_keys(uow, &current, &key))?;
            // While the database is still ours.
            Ok::<_, super::Failed>((key.id().to_owned(), done, new.adopt()?))
        })?;
    println!("{resealed} data keys are sealed with the journal key {id} now, {already} were before; {next}");
    Ok(())
}
