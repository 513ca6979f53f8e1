//! The id of one call, as in `X-Request-Id`.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

use super::id::UuidText;

const MAX: usize = 64;

/// The id of one HTTP request or one command of a live session, as it is written to logs and audit rows.
///
/// A client's own `X-Request-Id` is kept when it has 1 to 64 characters of `A-Z a-z 0-9 - _ . : / + =`;
/// otherwise the server makes one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId {
    text: [u8; MAX],
    length: u8,
}

impl CallId {
    /// A new, random id.
    pub fn new(at: Timestamp) -> Self {
        UuidText::new(at).as_str().parse().unwrap_or(Self { text: [0; MAX], length: 0 })
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

/// The text cannot be a call id: too long, empty, or with other characters than those allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters of A-Z a-z 0-9 - _ . : / + =")]
pub struct InvalidCallId;

impl FromStr for CallId {
    type Err = InvalidCallId;
    fn from_str(given: &str) -> Result<Self, InvalidCallId> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b);
        let mut text = [0; MAX];
        let place = text.get_mut(..given.len()).filter(|p| !p.is_empty()).ok_or(InvalidCallId)?;
        if !given.bytes().all(plain) {
            return Err(InvalidCallId);
        }
        place.copy_from_slice(given.as_bytes());
        Ok(Self { text, length: u8::try_from(given.len()).map_err(|_| InvalidCallId)? })
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_own_name_is_kept_when_it_is_plain() {
        for name in ["a", "req-1_2.3:4/5+6=", &"x".repeat(64)] {
            assert_eq!(name.parse::<CallId>().unwrap().to_string(), name);
        }
        for name in ["", "a b", "é", "a\nb", &"x".repeat(65)] {
            assert!(name.parse::<CallId>().is_err(), "{name}");
        }
        assert_eq!(CallId::new(Timestamp::EPOCH).to_string().len(), 36);
    }
}
