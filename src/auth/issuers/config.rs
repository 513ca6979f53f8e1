//! The file that describes outside issuers (`SOUK_ISSUERS`), in JSON:
//!
//! ```json
//! {
//!   "issuers": [
//!     {
//!       "iss": "https://clerk.example.com",
//!       "jwks_url": "https://clerk.example.com/.well-known/jwks.json",
//!       "algorithms": ["RS256"],
//!       "audiences": ["souk"],
//!       "authorized_parties": ["https://app.example.com"],
//!       "native_clients": false,
//!       "provision_users": true
//!     }
//!   ]
//! }
//! ```
//!
//! `iss` is compared exactly. Exactly one of `jwks_url`, `jwks_file` (relative to this file) and `pem` (one
//! public key, inline) gives the keys. Everything else is optional: `algorithms` defaults to `["RS256"]`;
//! without `audiences` and `authorized_parties`, `aud` and `azp` are not checked; `native_clients` accepts
//! tokens without an `azp` where parties are configured; `provision_users` overrides `SOUK_PROVISION_USERS`
//! for this issuer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::auth::token::{Algorithm, BadKey, VerifyingKey};

/// Whether an unknown user with a valid token of an issuer is created at first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Provisioning {
    /// Unknown users are refused.
    #[default]
    Never,
    /// Unknown users are created, with the role that the issuer's metadata names.
    AtFirstSight,
}

/// From where keys may be fetched over plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PlainHttp {
    /// Loopback addresses only, where nobody can intercept.
    #[default]
    LoopbackOnly,
    /// Anywhere: for development.
    Anywhere,
}

/// Settings that hold for every issuer in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IssuerSettings {
    /// For entries without `provision_users`.
    pub(crate) provisioning: Provisioning,
    /// Where keys may be fetched without TLS.
    pub(crate) plain_http: PlainHttp,
    /// Tolerated difference between an issuer's clock and ours.
    pub(crate) leeway: Duration,
    /// How long fetched keys are used before they are fetched again.
    pub(crate) max_age: Duration,
    /// Time limit of one fetch.
    pub(crate) timeout: Duration,
}

/// Why the issuers file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadIssuers {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system reported.
        source: std::io::Error,
    },
    /// The file is not JSON of the documented form.
    #[error("{} is not a description of issuers: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The position and the parse error.
        source: serde_json::Error,
    },
    /// An entry contradicts itself, or names something that Souk does not accept.
    #[error("issuer {iss:?}: {problem}")]
    Entry {
        /// The entry's `iss`.
        iss: String,
        /// The problem with the entry.
        problem: Problem,
    },
}

/// The problem with an issuer's entry.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// `iss` is empty, named twice, or our own.
    #[error("iss must not be empty or our own, and each may be named once")]
    Name,
    /// Not exactly one source of keys.
    #[error("exactly one of jwks_url, jwks_file and pem is needed")]
    Source,
    /// No algorithm, or a symmetric one, which needs a shared secret.
    #[error("algorithms must name at least one of RS256, ES256 and EdDSA, and nothing else")]
    Algorithms,
    /// The URL is neither `https` nor a loopback address.
    #[error("jwks_url must be an https address (http is for loopback addresses, or development)")]
    Url,
    /// The PEM key cannot be used.
    #[error("pem: {0}")]
    Pem(#[from] BadKey),
    /// The PEM key verifies an algorithm that the entry does not allow.
    #[error("pem is a key for {0:?}, which algorithms does not name")]
    PemAlgorithm(Algorithm),
}

/// One issuer's entry, checked.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) iss: Arc<str>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) audiences: Vec<String>,
    pub(super) authorized_parties: Vec<String>,
    pub(super) absent_party: AbsentParty,
    pub(super) provisioning: Provisioning,
    pub(super) source: Source,
}

/// How a token without `azp` is treated where parties are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AbsentParty {
    Refused,
    NativeClient,
}

/// The source of an issuer's keys.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Pem(VerifyingKey),
    JwksFile(PathBuf),
    JwksUrl(Url),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuers: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    iss: String,
    #[serde(default = "rs256")]
    algorithms: Vec<Algorithm>,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    authorized_parties: Vec<String>,
    #[serde(default)]
    native_clients: bool,
    provision_users: Option<bool>,
    pem: Option<String>,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
}

fn rs256() -> Vec<Algorithm> {
    vec![Algorithm::RS256]
}

/// Reads and checks the file. `own_name` is the `iss` of our own tokens, which no entry may use.
pub(super) fn read(path: &Path, settings: &IssuerSettings, own_name: &str) -> Result<Vec<Entry>, BadIssuers> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| BadIssuers::Unreadable { path: path.to_owned(), source })?;
    let file: File = serde_json::from_str(&text)
        .map_err(|source| BadIssuers::Malformed { path: path.to_owned(), source })?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut entries: Vec<Entry> = Vec::with_capacity(file.issuers.len());
    for written in file.issuers {
        let iss = written.iss.clone();
        let known = iss == own_name || entries.iter().any(|entry| *entry.iss == *iss);
        let entry = if known { Err(Problem::Name) } else { check(written, beside, settings) };
        entries.push(entry.map_err(|problem| BadIssuers::Entry { iss, problem })?);
    }
    Ok(entries)
}

fn check(written: Written, beside: &Path, settings: &IssuerSettings) -> Result<Entry, Problem> {
    if written.iss.is_empty() {
        return Err(Problem::Name);
    }
    if written.algorithms.is_empty() || written.algorithms.contains(&Algorithm::HS256) {
        return Err(Problem::Algorithms);
    }
    let source = match (written.pem, written.jwks_file, written.jwks_url) {
        (Some(pem), None, None) => Source::Pem(check_pem(&pem, &written.algorithms)?),
        (None, Some(file), None) => Source::JwksFile(beside.join(file)),
        (None, None, Some(url)) => Source::JwksUrl(check_url(&url, settings.plain_http)?),
        _ => return Err(Problem::Source),
    };
    Ok(Entry {
        iss: Arc::from(written.iss),
        algorithms: written.algorithms,
        audiences: written.audiences,
        authorized_parties: written.authorized_parties,
        absent_party: if written.native_clients { AbsentParty::NativeClient } else { AbsentParty::Refused },
        provisioning: match written.provision_users {
            None => settings.provisioning,
            Some(true) => Provisioning::AtFirstSight,
            Some(false) => Provisioning::Never,
        },
        source,
    })
}

fn check_pem(pem: &str, algorithms: &[Algorithm]) -> Result<VerifyingKey, Problem> {
    let key = VerifyingKey::from_pem(pem)?;
    match algorithms.contains(&key.algorithm()) {
        true => Ok(key),
        false => Err(Problem::PemAlgorithm(key.algorithm())),
    }
}

fn check_url(url: &str, plain_http: PlainHttp) -> Result<Url, Problem> {
    let url = Url::parse(url).map_err(|_| Problem::Url)?;
    let allowed = match url.scheme() {
        "https" => url.has_host(),
        "http" => plain_http == PlainHttp::Anywhere || is_loopback(&url),
        _ => false,
    };
    if allowed { Ok(url) } else { Err(Problem::Url) }
}

/// Whether the URL's host is a loopback address by its form alone: no name is resolved.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
