//! Journals at start: the key must be the one that sealed them, and what an older version stored as plain text
//! is sealed.

use std::io;

use crate::config::JournalConfig;
use crate::db::{DbError, Maintenance, UnitOfWork};
use crate::domain::Error;
use crate::domain::entries::{self, Journal, KeyEncryptionKey};
use crate::http;

/// Why the journals cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The journals are sealed with another key.
    #[error(
        "the journals of this database are sealed with the journal key {}, and the one given is {given}: give that key \
         with --journal-key-file (SOUK_JOURNAL_KEY_FILE), or --journal-key (SOUK_JOURNAL_KEY); after a rotation that \
         is the new key",
        .used.join(", ")
    )]
    OtherKey {
        /// Ids of the keys in use, at most three.
        used: Vec<String>,
        /// The id of the given key.
        given: String,
    },
    /// The file that keeps a development key cannot be read or written.
    #[error("the journal key beside the database: {0}")]
    Kept(#[from] io::Error),
    /// Reading or sealing failed.
    #[error("the journals cannot be prepared: {0}")]
    Failed(#[from] Error),
}

impl From<DbError> for JournalError {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

/// How many rows are sealed in one transaction.
const BATCH: i64 = 200;

/// Checks the key and seals what is plain text.
pub(super) fn prepare(db: &mut Maintenance<'_>, config: &JournalConfig) -> Result<Journal, JournalError> {
    let journal = Journal::new(usable_key(db, config)?);
    let sealed = seal(db, |uow| entries::seal_plain_rows(uow, &journal, BATCH))?;
    let answers = seal(db, |uow| http::seal_stored_replies(uow, &journal, BATCH))?;
    if sealed > 0 {
        log::info!(entries = sealed, answers; "journal entries of an older version are sealed now");
    }
    if db.has_old_pages()? {
        db.drop_old_pages()?;
    }
    Ok(journal)
}

/// The key that the settings give, if it is the one in use. A rotation of a development key that was
/// interrupted after its commit is finished here.
fn usable_key(db: &mut Maintenance<'_>, config: &JournalConfig) -> Result<KeyEncryptionKey, JournalError> {
    let key = KeyEncryptionKey::new(config.key()?.expose());
    let used = db.transaction(|uow| entries::other_key_ids(uow, &key))?;
    if used.is_empty() {
        return Ok(key);
    }
    if let JournalConfig::Kept(kept) = config
        && let Some(next) = kept.next()?
    {
        let next = KeyEncryptionKey::new(next.expose());
        if db.transaction(|uow| entries::other_key_ids(uow, &next))?.is_empty() {
            kept.adopt_next()?;
            log::info!(key = next.id(); "the rotation of the journal key is finished");
            return Ok(next);
        }
    }
    Err(JournalError::OtherKey { used, given: key.id().to_owned() })
}

fn seal(
    db: &mut Maintenance<'_>,
    batch: impl Fn(&mut UnitOfWork<'_>) -> Result<usize, Error>,
) -> Result<usize, JournalError> {
    let mut total = 0;
    loop {
        let found = db.transaction(&batch)?;
        total += found;
        if found == 0 {
            return Ok(total);
        }
    }
}
