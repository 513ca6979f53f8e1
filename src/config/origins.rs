//! The allow-list of web origins for CORS and WebSocket handshakes.

use std::fmt;
use std::str::FromStr;

use super::environment::Environment;
use super::error::{InvalidSetting, Problem};

/// The allowed origins.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Origins")]
pub(crate) struct OriginsConfig {
    /// Allowed web origins, exact and comma-separated, such as `https://app.example`; none by default. In development,
    /// loopback origins (http://localhost, 127.0.0.1 and `[::1]`, on any port) are allowed, too
    #[arg(long, env = "SOUK_ALLOWED_ORIGINS", value_name = "ORIGIN,..", value_delimiter = ',')]
    pub(crate) allowed_origins: Vec<Origin>,
}

impl OriginsConfig {
    /// Whether the value of an `Origin` header is on the list, byte for byte.
    ///
    /// No wildcards and no suffixes: `https://app.example.evil.test` must not pass for `https://app.example`.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed.0 == origin)
    }

    pub(super) fn check(&self, env: Environment, invalid: &mut Vec<InvalidSetting>) {
        if env == Environment::Production {
            let plain = self.allowed_origins.iter().filter(|origin| !origin.is_encrypted());
            invalid.extend(plain.map(|origin| {
                InvalidSetting::of("allowed_origins", Problem::PlainTextOrigin { origin: origin.to_string() })
            }));
        }
    }
}

/// Whether this is the origin that a browser sends for a page of the same machine, on any port.
pub(super) fn is_loopback(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|host| {
        origin.strip_prefix(host).is_some_and(|rest| match rest.strip_prefix(':') {
            Some(port) => port.parse::<u16>().is_ok_and(|number| number.to_string() == port),
            None => rest.is_empty(),
        })
    })
}

/// A web origin as browsers serialize it (RFC 6454, section 6.2): scheme, host, and the port unless it is the
/// scheme's default.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(String);

impl Origin {
    fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }
}

/// The text is not an origin as a browser would serialize it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidOrigin {
    /// Not `http(s)://host[:port]`.
    #[error(
        "must be an origin such as https://app.example or http://localhost:5173, without a path or wildcard"
    )]
    Malformed,
    /// An equivalent spelling, which a byte-for-byte comparison would never match; holds the one that
    /// browsers send.
    #[error("is written by browsers as {0}")]
    Otherwise(String),
}

impl FromStr for Origin {
    type Err = InvalidOrigin;
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let url = url::Url::parse(text).map_err(|_| InvalidOrigin::Malformed)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let web = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
        let named = url.host_str().is_some_and(|host| !host.contains('*'));
        if !(bare && web && named) {
            return Err(InvalidOrigin::Malformed);
        }
        match url.origin().ascii_serialization() {
            written if written == text => Ok(Self(written)),
            written => Err(InvalidOrigin::Otherwise(written)),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for text in ["https://app.example", "http://localhost:5173", "http://127.0.0.1:8000"] {
            assert_eq!(text.parse::<Origin>().unwrap().0, text);
        }
        for text in
            ["*", "null", "app.example", "https://*.example", "https://a.example/x", "ftp://a.example"]
        {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin::Malformed), "{text}");
        }
        for text in ["https://app.example/", "https://App.example", "https://app.example:443"] {
            let written = InvalidOrigin::Otherwise("https://app.example".into());
            assert_eq!(text.parse::<Origin>(), Err(written), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for text in
            ["http://localhost", "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"]
        {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "http://localhost.evil.test",
            "http://localhost:5173.evil.test",
            "http://localhost:",
            "http://localhost:+1",
            "http://localhost:99999",
            "https://localhost",
            "http://127.0.0.1.evil.test",
            "http://evil.test",
            "null",
            "",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn origins_match_whole_and_exactly() {
        let origins = OriginsConfig { allowed_origins: vec!["https://app.example".parse().unwrap()] };
        assert!(origins.allows("https://app.example"));
        for other in ["https://app.example.evil.test", "http://app.example", "https://app.example:8443", ""] {
            assert!(!origins.allows(other), "{other}");
        }
    }
}
