//! Keys that tests sign tokens with, and publish. Shared with the unit tests of `auth`.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A key pair.
pub struct TestKey {
    algorithm: Algorithm,
    encoding: EncodingKey,
    jwk: Value,
    /// The private key in PKCS #8.
    pub private_pem: String,
}

impl TestKey {
    /// Generates a key for RS256, ES256 or EdDSA.
    pub fn new(algorithm: Algorithm) -> Self {
        let (der, jwk) = match algorithm {
            Algorithm::RS256 => rsa(),
            Algorithm::ES256 => p256(),
            Algorithm::EdDSA => ed25519(),
            other => panic!("no issuer publishes keys for {other:?}"),
        };
        let private_pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&der));
        let pem = private_pem.as_bytes();
        let encoding = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
            _ => EncodingKey::from_ed_pem(pem),
        };
        Self { algorithm, encoding: encoding.unwrap(), jwk, private_pem }
    }

    /// The public key as a JSON Web Key with this `kid`.
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = kid.into();
        jwk
    }

    /// Signs a token whose header has this `kid`.
    pub fn sign(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(kid.to_owned());
        self.sign_under(&header, claims)
    }

    /// Signs a token with this header.
    pub fn sign_under(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.encoding).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa() -> (Vec<u8>, Value) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pair.public_key();
    let n = text(public.modulus().big_endian_without_leading_zero());
    let e = text(public.exponent().big_endian_without_leading_zero());
    (pair.as_der().unwrap().as_ref().to_vec(), json!({"kty": "RSA", "n": n, "e": e}))
}

fn p256() -> (Vec<u8>, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..65])});
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), jwk)
}

fn ed25519() -> (Vec<u8>, Value) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())});
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), jwk)
}
