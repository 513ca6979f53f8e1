//! Refresh tokens as text: 256 random bits, stored only as a hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// Lets people and secret scanners recognize a leaked token.
const PREFIX: &str = "souk_rt_";
const RANDOM_BYTES: usize = 32;
/// The prefix and 32 bytes in base64url.
const LENGTH: usize = PREFIX.len() + 43;

/// The text of a refresh token; its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    /// Generates a token.
    pub(crate) fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = [0; RANDOM_BYTES];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Parses what a client sent, if it has the form of a refresh token.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == LENGTH && text.starts_with(PREFIX)).then(|| Self(text.to_owned()))
    }

    /// The text that the client keeps.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash that the database keeps: SHA-256 in hex. A token has as much entropy as the hash, so no salt
    /// is needed.
    pub(crate) fn hash(&self) -> String {
        use fmt::Write as _;
        Sha256::digest(&self.0).iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_read_back() {
        let (one, other) = (RefreshToken::generate().unwrap(), RefreshToken::generate().unwrap());
        assert_ne!(one.as_str(), other.as_str());
        assert_eq!(RefreshToken::parse(one.as_str()).unwrap().hash(), one.hash());
        assert_eq!(one.hash().len(), 64);
        assert_eq!(format!("{one:?}"), "RefreshToken(***)");
        for text in ["", "souk_rt_", &one.as_str()[1..], &format!("{}x", one.as_str())] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }
}
