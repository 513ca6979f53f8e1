//! The key that signs our own tokens.

use std::io;
use std::path::{Path, PathBuf};

use super::database::DatabaseUrl;
use super::environment::Environment;
use super::error::{InvalidSetting, Problem};
use super::secret;
use crate::secret::Secret;

/// How the signing key is given, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct SigningSettings {
    /// How our own tokens are signed
    #[arg(long, env = "SOUK_JWT_ALGORITHM", value_name = "ALGORITHM", value_enum, default_value = "HS256")]
    pub(crate) jwt_algorithm: JwtAlgorithm,

    /// Secret for HS256, at least 32 bytes; in development, generated and stored next to the database
    #[arg(
        long, env = "SOUK_JWT_SECRET", value_name = "SECRET", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "jwt_secret_file"
    )]
    pub(crate) jwt_secret: Option<Secret<String>>,

    /// File that holds the secret for HS256
    #[arg(long, env = "SOUK_JWT_SECRET_FILE", value_name = "PATH")]
    pub(crate) jwt_secret_file: Option<PathBuf>,

    /// File that holds the private key for EdDSA (PKCS #8 PEM) or RS256 (PKCS #8 PEM, 2048 bits or more)
    #[arg(long, env = "SOUK_JWT_KEY_FILE", value_name = "PATH")]
    pub(crate) jwt_key_file: Option<PathBuf>,
}

/// The signature algorithms for our own tokens (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum JwtAlgorithm {
    /// HMAC with SHA-256: one secret signs and verifies.
    #[value(name = "HS256")]
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: others may verify with the public key.
    #[value(name = "RS256")]
    Rs256,
    /// Ed25519: others may verify with the public key.
    #[value(name = "EdDSA")]
    EdDsa,
}

/// The effective signing key.
#[derive(Debug, Clone)]
pub(crate) enum Signing {
    /// The shared secret, at least 32 bytes.
    Hs256(Secret<String>),
    /// The private key in PEM.
    Rs256(Secret<String>),
    /// The private key in PEM.
    EdDsa(Secret<String>),
}

/// A checked choice of key; a development secret may still have to be created.
pub(super) enum Choice {
    Given(Signing),
    /// To be read from this path, or created there.
    Development(PathBuf),
}

impl Choice {
    /// The key; a missing development secret is created and stored.
    pub(super) fn settle(self) -> Result<Signing, InvalidSetting> {
        self.with(secret::read_or_make)
    }

    /// The key; a missing development secret is generated and not stored.
    pub(super) fn try_out(self) -> Result<Signing, InvalidSetting> {
        self.with(secret::read_or_invent)
    }

    fn with(self, development: fn(&Path) -> io::Result<Secret<String>>) -> Result<Signing, InvalidSetting> {
        match self {
            Self::Given(signing) => Ok(signing),
            Self::Development(path) => {
                let secret = development(&path)
                    .map_err(|cause| InvalidSetting::of("jwt_secret", Problem::unreadable(&path, &cause)))?;
                strong_enough("jwt_secret", &secret, Environment::Development)?;
                Ok(Signing::Hs256(secret))
            }
        }
    }
}

impl SigningSettings {
    /// Reads the files that the settings name; writes nothing.
    pub(super) fn check(&self, env: Environment, database: &DatabaseUrl) -> Result<Choice, InvalidSetting> {
        if self.jwt_algorithm != JwtAlgorithm::Hs256 {
            return self.private_key();
        }
        if self.jwt_key_file.is_some() {
            return Err(InvalidSetting::of(
                "jwt_key_file",
                Problem::OnlyWith("--jwt-algorithm EdDSA or RS256"),
            ));
        }
        let given = given("jwt_secret", &self.jwt_secret, "jwt_secret_file", &self.jwt_secret_file)?;
        match given {
            Some((setting, secret)) => {
                strong_enough(setting, &secret, env)?;
                Ok(Choice::Given(Signing::Hs256(secret)))
            }
            None if env == Environment::Production => {
                Err(InvalidSetting::of("jwt_secret", Problem::MissingInProduction))
            }
            None => Ok(Choice::Development(development_path(database, ".jwt-secret"))),
        }
    }

    fn private_key(&self) -> Result<Choice, InvalidSetting> {
        if self.jwt_secret.is_some() || self.jwt_secret_file.is_some() {
            return Err(InvalidSetting::of("jwt_secret", Problem::OnlyWith("--jwt-algorithm HS256")));
        }
        let Some(path) = &self.jwt_key_file else {
            return Err(InvalidSetting::of("jwt_key_file", Problem::MissingKey));
        };
        let key = secret::read_file(path)
            .map_err(|cause| InvalidSetting::of("jwt_key_file", Problem::unreadable(path, &cause)))?;
        if !key.expose().contains("PRIVATE KEY-----") {
            return Err(InvalidSetting::of("jwt_key_file", Problem::InvalidPrivateKey));
        }
        Ok(Choice::Given(match self.jwt_algorithm {
            JwtAlgorithm::Rs256 => Signing::Rs256(key),
            _ => Signing::EdDsa(key),
        }))
    }
}

/// A secret from its setting or its file, with the name of the setting that it came from.
pub(super) fn given(
    setting: &'static str,
    direct: &Option<Secret<String>>,
    file_setting: &'static str,
    file: &Option<PathBuf>,
) -> Result<Option<(&'static str, Secret<String>)>, InvalidSetting> {
    match (direct, file) {
        (Some(secret), _) => Ok(Some((setting, secret.clone()))),
        (None, Some(path)) => secret::read_file(path)
            .map(|secret| Some((file_setting, secret)))
            .map_err(|cause| InvalidSetting::of(file_setting, Problem::unreadable(path, &cause))),
        (None, None) => Ok(None),
    }
}

/// RFC 7518, section 3.2: an HS256 key has at least as many bits as the hash output, 256.
pub(super) const SHORTEST_SECRET: usize = 32;

/// A secret with fewer distinct bytes is a placeholder (`xxxx…`, `changeme` four times): 32 random hex digits
/// have at least 8 of the 16 in all but one of ten thousand billion cases.
pub(super) const FEWEST_DIFFERENT: usize = 8;

pub(super) fn strong_enough(
    setting: &'static str,
    secret: &Secret<String>,
    env: Environment,
) -> Result<(), InvalidSetting> {
    let bytes = secret.expose().as_bytes();
    if bytes.len() < SHORTEST_SECRET {
        return Err(InvalidSetting::of(setting, Problem::ShortSecret { bytes: bytes.len() }));
    }
    let different = bytes.iter().collect::<std::collections::HashSet<_>>().len();
    let placeholder = ["changeme", "change-me", "change_me", "secret-secret", "example", "your-secret"]
        .iter()
        .any(|word| secret.expose().to_ascii_lowercase().contains(word));
    if env == Environment::Production && (different < FEWEST_DIFFERENT || placeholder) {
        return Err(InvalidSetting::of(setting, Problem::WeakSecret));
    }
    Ok(())
}

/// Beside the SQLite file; with PostgreSQL, where the default SQLite file would be.
pub(super) fn development_path(database: &DatabaseUrl, extension: &str) -> PathBuf {
    let mut name = match database.sqlite_path() {
        Some(path) => path.as_os_str().to_owned(),
        None => "data/souk".into(),
    };
    name.push(extension);
    PathBuf::from(name)
}
