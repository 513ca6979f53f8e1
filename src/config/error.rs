//! Why a configuration is refused: always with the flag and the variable to look at.

use std::fmt;
use std::io;
use std::path::Path;

/// A setting by its name in the code, from which its flag and variable follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting(&'static str);

impl Setting {
    /// The flag: `--jwt-secret`.
    pub fn flag(self) -> String {
        format!("--{}", self.0.replace('_', "-"))
    }

    /// The variable: `SOUK_JWT_SECRET`.
    pub fn variable(self) -> String {
        match self.0 {
            // The one name that every tool of the trade already knows.
            "database_url" => "DATABASE_URL".to_owned(),
            name => format!("SOUK_{}", name.to_uppercase()),
        }
    }
}

/// One setting that cannot be accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({}) {problem}", setting.flag(), setting.variable())]
pub struct Refusal {
    setting: Setting,
    problem: Problem,
}

impl Refusal {
    pub(super) fn of(setting: &'static str, problem: Problem) -> Self {
        Self { setting: Setting(setting), problem }
    }

    /// Which setting.
    pub fn setting(&self) -> Setting {
        self.setting
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a setting; reads on after its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A secret under 32 bytes.
    #[error("must be at least 32 bytes long; it has {bytes}")]
    ShortSecret {
        /// How many it has.
        bytes: usize,
    },
    /// A placeholder instead of a secret.
    #[error("is easy to guess: use 32 random bytes, for example from `openssl rand -hex 32`")]
    WeakSecret,
    /// No secret, in production.
    #[error("is missing: production needs a secret of its own (or a file that holds it, with _FILE)")]
    MissingInProduction,
    /// EdDSA or RS256 without a key.
    #[error("is missing: EdDSA and RS256 need a private key")]
    MissingKey,
    /// The key file holds no PEM private key.
    #[error("holds no private key in PEM")]
    InvalidPrivateKey,
    /// Given, but of no use with the other settings.
    #[error("is only for {0}")]
    OnlyWith(&'static str),
    /// A door for tests, in production.
    #[error("is a test switch and refused in production")]
    TestSwitch,
    /// An origin without TLS, in production.
    #[error("holds {origin}: production takes https:// origins only")]
    PlainTextOrigin {
        /// Which one.
        origin: String,
    },
    /// Longer or larger than another setting that must hold it.
    #[error("must not be over {0}")]
    NotOver(&'static str),
    /// As long or longer than another setting that must be longer.
    #[error("must be under {0}")]
    Under(&'static str),
    /// Empty text.
    #[error("must not be empty")]
    Empty,
    /// A log filter that env_logger would not understand.
    #[error("must be levels (error, warn, info, debug, trace, off), also by module: warn,souk=debug")]
    InvalidFilter,
    /// A file that cannot be read or made.
    #[error("names {path}, which cannot be read: {cause}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why not.
        cause: String,
    },
}

impl Problem {
    pub(super) fn unreadable(path: &Path, cause: &io::Error) -> Self {
        Self::Unreadable { path: path.display().to_string(), cause: cause.to_string() }
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, refusal) in self.0.iter().enumerate() {
            write!(f, "{}{refusal}", if nth == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusals {}
