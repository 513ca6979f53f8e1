//! A wrapper that keeps secrets and private texts out of logs and errors.

use std::fmt;

/// A value that is masked in logs, errors and the `{:?}` of any type that contains it: passwords, keys and
/// tokens, and the texts that people write to each other.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps `value`.
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: only for code that uses the secret, never for a message.
    pub(crate) fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let held = Some(Secret::new("hunter2".to_owned()));
        assert_eq!(format!("{held:?} {}", Secret::new("hunter2")), "Some(***) ***");
    }
}
