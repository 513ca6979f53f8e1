//! Email addresses: syntax only, nothing is sent to verify them.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// A case-folded address: spellings that differ in case are one user, on both engines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is not an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address such as ana@example.com")]
pub struct InvalidEmail;

impl Email {
    /// The whole address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub(crate) fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Folds case and checks syntax and the lengths of RFC 5321, section 4.5.3.1. Quoted local parts are
    /// rejected, as nobody uses them.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        if text.len() > 1024 {
            return Err(InvalidEmail);
        }
        let folded: String = text.trim().nfc().collect::<String>().to_lowercase().nfc().collect();
        let (local, domain) = folded.rsplit_once('@').ok_or(InvalidEmail)?;
        let local_fits = (1..=64).contains(&local.len())
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
            && local.split('.').all(|atom| !atom.is_empty());
        let label_fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_fits = domain.contains('.') && domain.split('.').all(label_fits);
        (local_fits && domain_fits && folded.len() <= 254).then_some(Self(folded)).ok_or(InvalidEmail)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        for text in ["Ana@Example.COM", "  ana@example.com "] {
            assert_eq!(text.parse::<Email>().unwrap().as_str(), "ana@example.com");
        }
        assert_eq!("ÄRGER@exämple.de".parse::<Email>().unwrap().as_str(), "ärger@exämple.de");
        assert_eq!("a.b+c@x.org".parse::<Email>().unwrap().local_part(), "a.b+c");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ana",
            "@x.org",
            "ana@",
            "ana@localhost",
            "a b@x.org",
            "a@@x.org",
            "a@-x.org",
            "a..b@x.org",
            "a@x..org",
            "\"a\"@x.org",
            "a\n@x.org",
            long.as_str(),
        ] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text}");
        }
    }
}
