//! Signing and verifying keys, each bound to exactly one algorithm: confusing RS256 with HS256 does not
//! type-check here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::Algorithm;
use crate::config::Signing;

/// Shortest HS256 secret: as long as the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Accepted RSA modulus sizes: smaller is breakable, larger makes verifying a signature a denial of service.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Why a key cannot be used. Never contains key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// An HS256 secret under 32 bytes.
    #[error("the secret is under 32 bytes")]
    ShortSecret,
    /// An RSA modulus under 2048 or over 8192 bits.
    #[error("the RSA key is not of 2048 to 8192 bits")]
    RsaSize,
    /// A symmetric key where a public key is expected.
    #[error("a symmetric key (kty oct) is nothing that an issuer publishes")]
    Symmetric,
    /// A key for encryption, or one whose `use` or `key_ops` exclude verification.
    #[error("the key is not for signatures")]
    NotForSignatures,
    /// An unsupported key type, curve or algorithm.
    #[error("the key is not RSA, P-256 or Ed25519, or is for another algorithm")]
    Unsupported,
    /// A private key where a public one is expected, or the reverse.
    #[error("the PEM does not hold the kind of key that is due here")]
    WrongPem,
    /// The text does not parse as a key.
    #[error("the key is malformed")]
    Malformed,
}

/// A public key, or our own secret, with the one algorithm it verifies.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl VerifyingKey {
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// From an RSA key's base64url modulus and exponent.
    pub(crate) fn rsa(modulus: &str, exponent: &str) -> Result<Self, BadKey> {
        let modulus_bytes = decode(modulus)?;
        let significant = modulus_bytes.iter().skip_while(|byte| **byte == 0);
        let leading = significant.clone().next().map_or(8, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&(significant.count() * 8).saturating_sub(leading)) {
            return Err(BadKey::RsaSize);
        }
        let exponent_bytes = decode(exponent)?;
        if exponent_bytes.last().is_none_or(|last| last % 2 == 0) {
            return Err(BadKey::Malformed);
        }
        let decoding = DecodingKey::from_rsa_raw_components(&modulus_bytes, &exponent_bytes);
        Ok(Self { algorithm: Algorithm::RS256, decoding })
    }

    /// From a P-256 point's base64url coordinates.
    pub(crate) fn p256(x: &str, y: &str) -> Result<Self, BadKey> {
        if decode(x)?.len() != 32 || decode(y)?.len() != 32 {
            return Err(BadKey::Malformed);
        }
        let decoding = DecodingKey::from_ec_components(x, y).map_err(|_| BadKey::Malformed)?;
        Ok(Self { algorithm: Algorithm::ES256, decoding })
    }

    /// From an Ed25519 public key's base64url bytes.
    pub(crate) fn ed25519(x: &str) -> Result<Self, BadKey> {
        if decode(x)?.len() != 32 {
            return Err(BadKey::Malformed);
        }
        let decoding = DecodingKey::from_ed_components(x).map_err(|_| BadKey::Malformed)?;
        Ok(Self { algorithm: Algorithm::EdDSA, decoding })
    }

    /// From a public key in PEM (`BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`).
    pub(crate) fn from_pem(pem: &str) -> Result<Self, BadKey> {
        if pem.contains("PRIVATE KEY") {
            return Err(BadKey::WrongPem);
        }
        let pem = pem.trim().as_bytes();
        if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            let jwk = Jwk::from_decoding_key(&key, None).map_err(|_| BadKey::Malformed)?;
            return Self::from_library_jwk(&jwk);
        }
        if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            return Ok(Self { algorithm: Algorithm::EdDSA, decoding: key });
        }
        match DecodingKey::from_ec_pem(pem) {
            // An uncompressed P-256 point; a P-384 point is longer.
            Ok(key) if key.try_get_as_bytes().is_ok_and(|point| point.len() == 65) => {
                Ok(Self { algorithm: Algorithm::ES256, decoding: key })
            }
            Ok(_) => Err(BadKey::Unsupported),
            Err(_) => Err(BadKey::WrongPem),
        }
    }

    fn from_library_jwk(jwk: &Jwk) -> Result<Self, BadKey> {
        match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => Self::rsa(&rsa.n, &rsa.e),
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                Self::ed25519(&okp.x)
            }
            _ => Err(BadKey::Unsupported),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An HS256 secret is a verifying key, too, and must not be shown.
        write!(f, "VerifyingKey({:?})", self.algorithm)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, BadKey> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| BadKey::Malformed)
}

/// The key that signs our own tokens.
#[derive(Clone)]
pub(crate) struct SigningKey {
    encoding: EncodingKey,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// Loads the configured key.
    pub(crate) fn from_config(signing: &Signing) -> Result<Self, BadKey> {
        let (key, algorithm) = match signing {
            Signing::Hs256(secret) => (Self::from_secret(secret.expose().as_bytes())?, Algorithm::HS256),
            Signing::Rs256(pem) => (Self::from_pem(pem.expose())?, Algorithm::RS256),
            Signing::EdDsa(pem) => (Self::from_pem(pem.expose())?, Algorithm::EdDSA),
        };
        // A key for another algorithm than the configured one is a mistake in one of the two settings.
        if key.verifying.algorithm == algorithm { Ok(key) } else { Err(BadKey::Unsupported) }
    }

    /// HS256 with a shared secret of at least 32 bytes: every node that verifies can also mint.
    pub(crate) fn from_secret(secret: &[u8]) -> Result<Self, BadKey> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(BadKey::ShortSecret);
        }
        let verifying =
            VerifyingKey { algorithm: Algorithm::HS256, decoding: DecodingKey::from_secret(secret) };
        Ok(Self { encoding: EncodingKey::from_secret(secret), verifying })
    }

    /// EdDSA or RS256, from the private key in `pem` (PKCS #8, or PKCS #1 for RSA).
    pub(crate) fn from_pem(pem: &str) -> Result<Self, BadKey> {
        if !pem.contains("PRIVATE KEY") {
            return Err(BadKey::WrongPem);
        }
        let pem = pem.trim().as_bytes();
        let (encoding, algorithm) = EncodingKey::from_ed_pem(pem)
            .map(|key| (key, jsonwebtoken::Algorithm::EdDSA))
            .or_else(|_| EncodingKey::from_rsa_pem(pem).map(|key| (key, jsonwebtoken::Algorithm::RS256)))
            .map_err(|_| BadKey::WrongPem)?;
        let public = Jwk::from_encoding_key(&encoding, algorithm).map_err(|_| BadKey::Malformed)?;
        Ok(Self { encoding, verifying: VerifyingKey::from_library_jwk(&public)? })
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.verifying.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_secrets_are_refused() {
        assert_eq!(SigningKey::from_secret(&[7; 31]).err(), Some(BadKey::ShortSecret));
        assert!(SigningKey::from_secret(&[7; 32]).is_ok());
    }

    #[test]
    fn weak_and_absurd_rsa_keys_are_refused() {
        let modulus = |bits: usize| URL_SAFE_NO_PAD.encode(vec![0xff; bits / 8]);
        assert_eq!(VerifyingKey::rsa(&modulus(1024), "AQAB").err(), Some(BadKey::RsaSize));
        assert_eq!(VerifyingKey::rsa(&modulus(16384), "AQAB").err(), Some(BadKey::RsaSize));
        assert_eq!(VerifyingKey::rsa("", "AQAB").err(), Some(BadKey::RsaSize));
        assert_eq!(VerifyingKey::rsa(&modulus(2048), "AA").err(), Some(BadKey::Malformed));
        assert!(VerifyingKey::rsa(&modulus(2048), "AQAB").is_ok());
        // Leading zeros do not make a key stronger.
        let padded = [vec![0; 128], vec![0xff; 128]].concat();
        assert_eq!(VerifyingKey::rsa(&URL_SAFE_NO_PAD.encode(padded), "AQAB").err(), Some(BadKey::RsaSize));
    }

    #[test]
    fn a_private_key_is_no_public_key_and_the_other_way_round() {
        let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
        assert_eq!(VerifyingKey::from_pem(private).err(), Some(BadKey::WrongPem));
        assert_eq!(SigningKey::from_pem(public).err(), Some(BadKey::WrongPem));
        assert_eq!(SigningKey::from_pem(private).err(), Some(BadKey::WrongPem));
    }

    #[test]
    fn secrets_do_not_reach_a_log() {
        let key = SigningKey::from_secret(b"a secret that is long enough....").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.verifying()), "SigningKey(HS256) VerifyingKey(HS256)");
    }
}
