//! People and keys for unit tests: whatever an issuer, or somebody who plays one, would sign with.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::token::Algorithm;
use crate::clock::Timestamp;
use crate::domain::users::{Plan, Role, User};
use crate::ids::UserId;

/// A user who is in no database.
pub(crate) fn somebody(now: Timestamp) -> User {
    User {
        id: UserId::new(now),
        email: "ana@example.com".into(),
        issuer: None,
        clerk_id: None,
        display_name: "Ana".into(),
        role: Role::Consumer,
        plan: Plan::Free,
        is_active: true,
        token_epoch: Timestamp::EPOCH,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// A private key and the public one that goes with it.
pub(crate) struct TestKey {
    algorithm: Algorithm,
    encoding: jsonwebtoken::EncodingKey,
    jwk: Value,
    /// The private key, PKCS #8.
    pub(crate) private_pem: String,
}

impl TestKey {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (der, jwk) = match algorithm {
            Algorithm::HS256 => unreachable!("no issuer publishes one"),
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let der = pair.as_der().unwrap().as_ref().to_vec();
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let jwk = json!({"kty": "RSA",
                    "n": text(n.big_endian_without_leading_zero()), "e": text(e.big_endian_without_leading_zero())});
                (der, jwk)
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let der = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
                let point = pair.public_key().as_ref();
                let jwk =
                    json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..65])});
                (der, jwk)
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let der = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())});
                (der, jwk)
            }
        };
        let private_pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&der));
        let pem = private_pem.as_bytes();
        let encoding = match algorithm {
            Algorithm::RS256 => jsonwebtoken::EncodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => jsonwebtoken::EncodingKey::from_ec_pem(pem),
            _ => jsonwebtoken::EncodingKey::from_ed_pem(pem),
        };
        Self { algorithm, encoding: encoding.unwrap(), jwk, private_pem }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = kid.into();
        jwk
    }

    pub(crate) fn sign(&self, kid: &str, claims: &Value) -> String {
        let mut header = jsonwebtoken::Header::new(self.algorithm.into());
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}
