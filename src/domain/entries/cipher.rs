//! Encryption of journals at rest: AES-256-GCM (NIST SP 800-38D) with a data key per user, which is itself
//! sealed with the server's key-encryption key. Pure: no rows are read or written here.
//!
//! A sealed value is text: `v1:` and base64 of nonce (96 random bits), ciphertext and tag. Table, row and column
//! are authenticated with it, so that a value that was moved elsewhere does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::db::DbError;
use crate::ids::UserId;

/// Bytes of a key.
const KEY_LEN: usize = 32;

/// Begins every sealed value, and names the format.
const VERSION: &str = "v1:";

/// Where a sealed value is stored. It opens only there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The table.
    pub(crate) table: &'static str,
    /// The row's primary key.
    pub(crate) row: &'a str,
    /// The column.
    pub(crate) column: &'static str,
}

impl Place<'_> {
    /// The associated data; the names of tables and columns have no NUL.
    fn associated_data(&self) -> Vec<u8> {
        [self.table, self.column, self.row].join("\0").into_bytes()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} of {}", self.table, self.column, self.row)
    }
}

/// Why something was not sealed or opened. Names rows, never their contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CipherError {
    /// The stored value was changed, moved, or sealed with another key.
    #[error("{place} does not open: it was changed or moved, or sealed with another key")]
    DoesNotOpen {
        /// Table, column and row.
        place: String,
    },
    /// The user has sealed rows and no data key.
    #[error("user {user} has no data key, so that their journal cannot be opened")]
    NoDataKey {
        /// The owner of the journal.
        user: UserId,
    },
    /// A data key is sealed with a key-encryption key that this process does not have.
    #[error("the data key of user {user} is sealed with the journal key {sealed_with}, not with {given}")]
    OtherKey {
        /// The owner of the data key.
        user: UserId,
        /// The id of the key that sealed it.
        sealed_with: String,
        /// The id of the key that this process has.
        given: String,
    },
    /// The system gave no random bytes.
    #[error("nothing can be sealed: the system gives no random bytes")]
    NoRandomness,
}

/// To the callers it is a stored row that cannot be read: internal, and logged where it is answered.
impl From<CipherError> for DbError {
    fn from(error: CipherError) -> Self {
        Self::unreadable(error)
    }
}

impl From<CipherError> for crate::domain::Error {
    fn from(error: CipherError) -> Self {
        Self::Db(error.into())
    }
}

/// The server's key, which seals the users' data keys and nothing else.
#[derive(Clone)]
pub(crate) struct KeyEncryptionKey {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    id: String,
}

impl KeyEncryptionKey {
    /// A key of 32 random bytes.
    pub(crate) fn new(bytes: &[u8; KEY_LEN]) -> Self {
        let hash = digest::digest(&digest::SHA256, bytes);
        let id = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: Zeroizing::new(*bytes), id }
    }

    /// Names the key and reveals nothing of it: the first 16 hex digits of its SHA-256.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Seals the data key of `user`.
    pub(super) fn seal(&self, user: UserId, key: &DataKey) -> Result<String, CipherError> {
        seal(&self.bytes, &place_of_key(&user), key.bytes.as_slice())
    }

    /// Opens the data key of `user`.
    pub(super) fn open(&self, user: UserId, sealed: &str) -> Result<DataKey, CipherError> {
        let place = place_of_key(&user);
        let opened = Zeroizing::new(open(&self.bytes, &place, sealed)?);
        let bytes = <[u8; KEY_LEN]>::try_from(opened.as_slice()).map_err(|_| does_not_open(&place))?;
        Ok(DataKey { bytes: Zeroizing::new(bytes) })
    }
}

fn place_of_key(user: &UserId) -> Place<'_> {
    Place { table: "journal_keys", row: user.as_str(), column: "sealed_key" }
}

/// The key of one user's journal.
pub(crate) struct DataKey {
    bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl DataKey {
    /// A new random key.
    pub(super) fn generate() -> Result<Self, CipherError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| CipherError::NoRandomness)?;
        Ok(Self { bytes })
    }

    /// Seals a text that is stored at `place`.
    pub(crate) fn seal(&self, place: &Place<'_>, text: &str) -> Result<String, CipherError> {
        seal(&self.bytes, place, text.as_bytes())
    }

    /// Opens what [`DataKey::seal`] made for the same place.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &str) -> Result<String, CipherError> {
        let opened = open(&self.bytes, place, sealed)?;
        String::from_utf8(opened).map_err(|_| does_not_open(place))
    }

    /// A fingerprint that only the holder of this key can compute, 64 hex digits: unlike a plain hash it
    /// confirms no guess at what was hashed.
    pub(crate) fn fingerprint(&self, of: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes.as_slice());
        let derived = hmac::sign(&key, b"souk journal fingerprint v1");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), of.as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a stored value is sealed. JSON documents, which have no column that says it, never look so.
pub(crate) fn is_sealed(stored: &str) -> bool {
    stored.starts_with(VERSION)
}

fn seal(key: &[u8; KEY_LEN], place: &Place<'_>, plain: &[u8]) -> Result<String, CipherError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| CipherError::NoRandomness)?;
    // Room for the tag from the start: growing would leave a copy of the text behind.
    let mut buffer = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
    buffer.extend_from_slice(plain);
    let nonce = key
        .seal_in_place_append_tag(Aad::from(place.associated_data()), &mut buffer)
        .map_err(|_| CipherError::NoRandomness)?;
    let sealed = [nonce.as_ref().as_slice(), &buffer].concat();
    Ok(format!("{VERSION}{}", BASE64.encode(sealed)))
}

fn open(key: &[u8; KEY_LEN], place: &Place<'_>, sealed: &str) -> Result<Vec<u8>, CipherError> {
    let opened = || {
        let bytes = BASE64.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut ciphertext = ciphertext.to_vec();
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
        let aad = Aad::from(place.associated_data());
        let length = key.open_in_place(nonce, aad, &mut ciphertext).ok()?.len();
        ciphertext.truncate(length);
        Some(ciphertext)
    };
    opened().ok_or_else(|| does_not_open(place))
}

fn does_not_open(place: &Place<'_>) -> CipherError {
    CipherError::DoesNotOpen { place: place.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const TITLE: Place<'_> = Place { table: "entries", row: "1", column: "title" };

    #[test]
    fn what_is_sealed_opens_and_shows_nothing() {
        let key = DataKey::generate().unwrap();
        for text in ["", "Slept badly.", "ä".repeat(20_000).as_str()] {
            let sealed = key.seal(&TITLE, text).unwrap();
            assert!(is_sealed(&sealed) && (text.is_empty() || !sealed.contains(text)));
            assert_eq!(key.open(&TITLE, &sealed).unwrap(), text);
        }
        assert_ne!(
            key.seal(&TITLE, "twice").unwrap(),
            key.seal(&TITLE, "twice").unwrap(),
            "a new nonce each"
        );
    }

    #[test]
    fn a_value_opens_at_its_own_place_only() {
        let key = DataKey::generate().unwrap();
        let sealed = key.seal(&TITLE, "Slept badly.").unwrap();
        for other in [
            Place { row: "2", ..TITLE },
            Place { column: "text", ..TITLE },
            Place { table: "reflections", ..TITLE },
        ] {
            let place = other.to_string();
            assert_eq!(key.open(&other, &sealed), Err(CipherError::DoesNotOpen { place }));
        }
    }

    #[test]
    fn what_was_changed_or_sealed_with_another_key_does_not_open() {
        let (key, other) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        let sealed = key.seal(&TITLE, "Slept badly.").unwrap();
        assert!(other.open(&TITLE, &sealed).is_err());
        let bytes = BASE64.decode(&sealed[VERSION.len()..]).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(key.open(&TITLE, &format!("{VERSION}{}", BASE64.encode(changed))).is_err(), "byte {at}");
        }
        for malformed in ["", "Slept badly.", VERSION, "v1:AAAA", "v1:?", "v2:AAAA"] {
            assert!(key.open(&TITLE, malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn a_data_key_opens_for_its_user_with_the_key_that_sealed_it() {
        let (ana, eve) = (UserId::new(Timestamp::EPOCH), UserId::new(Timestamp::EPOCH));
        let (key, other) = (KeyEncryptionKey::new(&[1; 32]), KeyEncryptionKey::new(&[2; 32]));
        let data_key = DataKey::generate().unwrap();
        let sealed = key.seal(ana, &data_key).unwrap();
        assert_eq!(key.open(ana, &sealed).unwrap().bytes, data_key.bytes);
        assert!(key.open(eve, &sealed).is_err());
        assert!(other.open(ana, &sealed).is_err());
    }

    #[test]
    fn the_id_of_a_key_is_the_beginning_of_its_hash() {
        // printf '%32s' | tr ' ' '\0' | sha256sum
        assert_eq!(KeyEncryptionKey::new(&[0; 32]).id(), "66687aadf862bd77");
    }

    #[test]
    fn a_fingerprint_depends_on_the_key() {
        let (key, other) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        assert_eq!(key.fingerprint("a"), key.fingerprint("a"));
        assert_ne!(key.fingerprint("a"), key.fingerprint("b"));
        assert_ne!(key.fingerprint("a"), other.fingerprint("a"));
    }
}
