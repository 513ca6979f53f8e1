//! Why a configuration is refused: every error names the flag and the variable.

use std::fmt;
use std::io;
use std::path::Path;

/// A setting, identified by its field name, from which flag and variable are derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting(&'static str);

impl Setting {
    /// The flag, such as `--jwt-secret`.
    pub(crate) fn flag(self) -> String {
        format!("--{}", self.0.replace('_', "-"))
    }

    /// The variable, such as `SOUK_JWT_SECRET`.
    pub(crate) fn variable(self) -> String {
        match self.0 {
            // The variables with names that are conventional across tools.
            "database_url" => "DATABASE_URL".to_owned(),
            "redis_url" => "REDIS_URL".to_owned(),
            name => format!("SOUK_{}", name.to_uppercase()),
        }
    }
}

/// One setting that is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({}) {problem}", setting.flag(), setting.variable())]
pub(crate) struct InvalidSetting {
    pub(super) setting: Setting,
    pub(super) problem: Problem,
}

impl InvalidSetting {
    pub(super) fn of(setting: &'static str, problem: Problem) -> Self {
        Self { setting: Setting(setting), problem }
    }
}

/// The problem with a setting; the message continues a sentence that begins with its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A secret under 32 bytes.
    #[error("must be at least 32 bytes long; it has {bytes}")]
    ShortSecret {
        /// The secret's length in bytes.
        bytes: usize,
    },
    /// Several servers are only possible on PostgreSQL.
    #[error("is for several servers on one PostgreSQL database: with SQLite there is one server")]
    NeedsPostgres,
    /// Not the address of a Redis.
    #[error("must be a redis://, rediss:// or unix:// URL")]
    NoRedis,
    /// A placeholder instead of a secret.
    #[error("is easy to guess: use 32 random bytes, for example from `openssl rand -hex 32`")]
    WeakSecret,
    /// A key of the wrong length or encoding.
    #[error(
        "must be 32 bytes, as 64 hex digits or as base64, for example from `openssl rand -hex 32`; it has {characters} \
         characters"
    )]
    InvalidKey {
        /// The text's length in characters.
        characters: usize,
    },
    /// No secret, in production.
    #[error("is missing: production needs a secret of its own (or a file that holds it, with _FILE)")]
    MissingInProduction,
    /// EdDSA or RS256 without a key file.
    #[error("is missing: EdDSA and RS256 need a private key")]
    MissingKey,
    /// The key file holds no PEM private key.
    #[error("holds no private key in PEM")]
    InvalidPrivateKey,
    /// Given, but without effect in combination with the other settings.
    #[error("is only for {0}")]
    OnlyWith(&'static str),
    /// A test-only switch, in production.
    #[error("is a test switch and refused in production")]
    TestSwitch,
    /// An origin without TLS, in production.
    #[error("holds {origin}: production takes https:// origins only")]
    PlainTextOrigin {
        /// The first such origin.
        origin: String,
    },
    /// Missing, in combination with the other settings.
    #[error("is missing: {0} needs it")]
    NeededWith(&'static str),
    /// Not an address of a web server.
    #[error(
        "must be an address that begins with http:// or https://, without user, password, query and fragment"
    )]
    InvalidUrl,
    /// Not what a header can carry.
    #[error("must be visible ASCII characters without spaces")]
    InvalidToken,
    /// Larger than another setting that bounds it.
    #[error("must not be over {0}")]
    NotOver(&'static str),
    /// Not smaller than another setting that must exceed it.
    #[error("must be under {0}")]
    Under(&'static str),
    /// Empty text.
    #[error("must not be empty")]
    Empty,
    /// A log filter that `env_logger` would not parse.
    #[error("must be levels (error, warn, info, debug, trace, off), also by module: warn,souk=debug")]
    InvalidFilter,
    /// A file that cannot be read or created.
    #[error("names {path}, which cannot be read: {cause}")]
    Unreadable {
        /// The file's path.
        path: String,
        /// The system's error message.
        cause: String,
    },
}

impl Problem {
    pub(super) fn unreadable(path: &Path, cause: &io::Error) -> Self {
        Self::Unreadable { path: path.display().to_string(), cause: cause.to_string() }
    }
}

/// All problems of a configuration, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidSettings(pub(crate) Vec<InvalidSetting>);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, setting) in self.0.iter().enumerate() {
            write!(f, "{}{setting}", if nth == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidSettings {}
