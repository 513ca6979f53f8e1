//! Fingerprints for rows that all nodes share: equal on every node, and of no use to a reader of the database.

use std::fmt;

use aws_lc_rs::hmac;

use super::token::SigningKey;

/// HMAC-SHA-256 with a key that is derived from the key of our own tokens, which all nodes have. Without it,
/// nobody can make a fingerprint, nor confirm a guess at what was hashed: addresses are few, and people type
/// passwords where an email address belongs.
#[derive(Clone)]
pub(super) struct KeyedHash(hmac::Key);

impl KeyedHash {
    /// The key for one purpose; fingerprints of different purposes have nothing in common.
    pub(super) fn new(key: &SigningKey, purpose: &'static str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key.encoding().as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose.as_bytes()).as_ref()))
    }

    /// The fingerprint of `message`: 32 bytes.
    pub(super) fn of(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, message)
    }

    /// Whether `tag` is the fingerprint of `message`; takes the same time for every wrong one.
    pub(super) fn is_of(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_with_one_key_agree_and_others_do_not() {
        let key = |secret: &[u8]| SigningKey::from_secret(secret).unwrap();
        let hash = |secret, purpose| KeyedHash::new(&key(secret), purpose);
        let (one, other) =
            (b"a secret of at least thirty-two bytes", b"b secret of at least thirty-two bytes");
        let tag = hash(one, "tickets").of(b"message");
        assert!(hash(one, "tickets").is_of(b"message", tag.as_ref()));
        assert!(!hash(one, "tickets").is_of(b"another", tag.as_ref()));
        assert!(!hash(one, "logins").is_of(b"message", tag.as_ref()));
        assert!(!hash(other, "tickets").is_of(b"message", tag.as_ref()));
        assert!(!hash(one, "tickets").is_of(b"message", &tag.as_ref()[..16]));
        assert_eq!(format!("{:?}", hash(one, "tickets")), "KeyedHash(***)");
    }
}
