//! Secrets of invitation links as text: 256 random bits, stored only as a hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// Lets people, secret scanners and our own log scrubber recognize a secret.
const PREFIX: &str = "souk_in_";

/// The secret of an invitation link; its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct InvitationSecret(String);

impl InvitationSecret {
    /// Generates a secret.
    pub(crate) fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The text that the link has.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash that the database keeps.
    pub(crate) fn hash(&self) -> String {
        Self::hash_of(&self.0)
    }

    /// The hash of a text that may be a secret: SHA-256 in hex. A secret has as much entropy as the hash, so
    /// no salt is needed, and the time of a look-up tells nothing about how much of a guess was right.
    pub(crate) fn hash_of(text: &str) -> String {
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for InvitationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationSecret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_none_shows_itself() {
        let (one, two) = (InvitationSecret::generate().unwrap(), InvitationSecret::generate().unwrap());
        assert_ne!(one.as_str(), two.as_str());
        assert_eq!(one.as_str().len(), PREFIX.len() + 43);
        assert_eq!((one.hash().len(), one.hash()), (64, InvitationSecret::hash_of(one.as_str())));
        assert_eq!(format!("{one:?}"), "InvitationSecret(***)");
    }
}
