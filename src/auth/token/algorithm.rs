//! The signature algorithms that an outside issuer or our own PEM key may use.

use serde::{Deserialize, Serialize};

/// A signature algorithm of RFC 7518 or RFC 8037. A closed list: `none` and everything else cannot be
/// represented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256: our own tokens' default; never an outside issuer's.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits and more.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Parses the `alg` header parameter.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "HS256" => Self::HS256,
            "RS256" => Self::RS256,
            "ES256" => Self::ES256,
            "EdDSA" => Self::EdDSA,
            _ => return None,
        })
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HS256 => Self::HS256,
            Algorithm::RS256 => Self::RS256,
            Algorithm::ES256 => Self::ES256,
            Algorithm::EdDSA => Self::EdDSA,
        }
    }
}
