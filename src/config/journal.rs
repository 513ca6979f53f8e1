//! The key that seals the journals' data keys.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::database::DatabaseUrl;
use super::environment::Environment;
use super::error::{InvalidSetting, Problem};
use super::secret;
use super::signing::{FEWEST_DIFFERENT, development_path, given};
use crate::secret::Secret;

/// How the journal key is given, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Journals")]
pub(crate) struct JournalSettings {
    /// Key that seals the journals: 32 random bytes as 64 hex digits or as base64; in development, generated and stored
    /// next to the database. Whoever loses it loses all journals
    #[arg(
        long, env = "SOUK_JOURNAL_KEY", value_name = "KEY", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "journal_key_file"
    )]
    pub(crate) journal_key: Option<Secret<String>>,

    /// File that holds the journal key
    #[arg(long, env = "SOUK_JOURNAL_KEY_FILE", value_name = "PATH")]
    pub(crate) journal_key_file: Option<PathBuf>,
}

/// 32 bytes that seal the journals' data keys.
pub(crate) type JournalKey = Secret<[u8; 32]>;

/// The journal key, or where it is kept.
#[derive(Debug, Clone)]
pub(crate) enum JournalConfig {
    /// The settings give it.
    Given(JournalKey),
    /// Development keeps it in this file, which may have to be made.
    Kept(KeptKey),
}

impl JournalConfig {
    /// The key; a development key that does not exist yet is generated and stored.
    ///
    /// # Errors
    /// If the file of a development key can be neither read nor made.
    pub(crate) fn key(&self) -> io::Result<JournalKey> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Kept(kept) => parse_kept(&secret::read_or_make(&kept.path)?),
        }
    }
}

impl JournalSettings {
    /// Reads the file that holds the key, if there is one; writes nothing.
    pub(super) fn check(
        &self,
        env: Environment,
        database: &DatabaseUrl,
    ) -> Result<JournalConfig, InvalidSetting> {
        let given = given("journal_key", &self.journal_key, "journal_key_file", &self.journal_key_file)?;
        match given {
            Some((setting, text)) => {
                let key = parse(&text).ok_or_else(|| malformed(setting, &text))?;
                let different = key.expose().iter().collect::<std::collections::HashSet<_>>().len();
                if env == Environment::Production && different < FEWEST_DIFFERENT {
                    return Err(InvalidSetting::of(setting, Problem::WeakSecret));
                }
                Ok(JournalConfig::Given(key))
            }
            None if env == Environment::Production => {
                Err(InvalidSetting::of("journal_key", Problem::MissingInProduction))
            }
            None => {
                let path = development_path(database, ".journal-key");
                let text = secret::read_or_invent(&path)
                    .map_err(|cause| InvalidSetting::of("journal_key", Problem::unreadable(&path, &cause)))?;
                parse(&text).ok_or_else(|| malformed("journal_key", &text))?;
                Ok(JournalConfig::Kept(KeptKey { path }))
            }
        }
    }
}

impl JournalSettings {
    /// The key, if it is given or development has kept one; none is made.
    pub(super) fn known(
        &self,
        env: Environment,
        database: &DatabaseUrl,
    ) -> Result<Option<JournalKey>, InvalidSetting> {
        let given = given("journal_key", &self.journal_key, "journal_key_file", &self.journal_key_file)?;
        if let Some((setting, text)) = given {
            return parse(&text).map(Some).ok_or_else(|| malformed(setting, &text));
        }
        let path = development_path(database, ".journal-key");
        match secret::read_file(&path) {
            Ok(text) if env == Environment::Development => {
                parse(&text).map(Some).ok_or_else(|| malformed("journal_key", &text))
            }
            Ok(_) => Ok(None),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(InvalidSetting::of("journal_key", Problem::unreadable(&path, &cause))),
        }
    }
}

/// A development key in its file, and the new one that a rotation puts beside it.
#[derive(Debug, Clone)]
pub(crate) struct KeptKey {
    path: PathBuf,
}

impl KeptKey {
    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The new key of a rotation that has begun; `None` if none has, or if it is finished.
    pub(crate) fn next(&self) -> io::Result<Option<JournalKey>> {
        match secret::read_file(&self.next_path()) {
            Ok(text) => parse_kept(&text).map(Some),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The new key of a rotation: generated and stored beside the current one, or the one that an interrupted
    /// rotation stored. On disk when this returns.
    pub(crate) fn make_next(&self) -> io::Result<JournalKey> {
        let key = parse_kept(&secret::read_or_make(&self.next_path())?)?;
        secret::sync_folder(&self.path)?;
        Ok(key)
    }

    /// Puts the new key in the place of the current one, which is gone then.
    pub(crate) fn adopt_next(&self) -> io::Result<()> {
        std::fs::rename(self.next_path(), &self.path)?;
        secret::sync_folder(&self.path)
    }

    fn next_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        PathBuf::from(name)
    }
}

/// Reads the key of a file.
///
/// # Errors
/// If it cannot be read or holds no key.
pub(crate) fn read_key(path: &Path) -> io::Result<JournalKey> {
    parse_kept(&secret::read_file(path)?)
}

fn parse_kept(text: &Secret<String>) -> io::Result<JournalKey> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "it holds no key of 32 bytes");
    parse(text).ok_or_else(malformed)
}

/// 64 hex digits, or base64 with or without padding.
fn parse(text: &Secret<String>) -> Option<JournalKey> {
    let text = text.expose();
    let bytes = match from_hex(text) {
        Some(bytes) => bytes,
        None => BASE64_STANDARD.decode(text).or_else(|_| BASE64_STANDARD_NO_PAD.decode(text)).ok()?,
    };
    bytes.try_into().ok().map(Secret::new)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    (digits.len() == 64 && rest.is_empty()).then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn malformed(setting: &'static str, text: &Secret<String>) -> InvalidSetting {
    InvalidSetting::of(setting, Problem::InvalidKey { characters: text.expose().chars().count() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<[u8; 32]> {
        parse(&Secret::new(text.to_owned())).map(|key| *key.expose())
    }

    #[test]
    fn a_key_is_32_bytes_in_hex_or_base64() {
        let bytes: [u8; 32] = std::array::from_fn(|n| n as u8);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = BASE64_STANDARD.encode(bytes);
        for text in [&hex, &hex.to_uppercase(), &base64, base64.trim_end_matches('=')] {
            assert_eq!(parsed(text), Some(bytes), "{text}");
        }
        for text in
            ["", "hunter2", &hex[1..], &hex[2..], &format!("{hex}00"), &BASE64_STANDARD.encode([7; 31])]
        {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
