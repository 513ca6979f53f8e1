//! JSON Web Tokens (RFC 7519) as text: what is read before the signature is checked, and the checks that our
//! own and outside tokens share. Two verifiers build on this (`own` and [`crate::auth::issuers`]); neither
//! accepts the other's tokens.

mod algorithm;
mod claims;
mod header;
mod key;
pub(crate) mod own;

pub(crate) use algorithm::Algorithm;
pub(crate) use claims::{Audience, Lifetime, NumericDate};
pub(crate) use header::Unverified;
pub(crate) use key::{BadKey, SigningKey, VerifyingKey};

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::error::TokenRefusal;

/// Longest token that is examined. Clerk's and our own are under 2 KiB; base64 and JSON are only parsed below
/// this.
pub(crate) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The claims of a token, after verifying its signature with `key` and `key`'s own algorithm.
///
/// Lifetime, issuer and audience are *not* checked here: the library would read the system clock, and accepts
/// a token in which a configured `iss` or `aud` is absent. [`Lifetime`] and the verifiers do that, after the
/// signature.
pub(crate) fn verified_claims<C: DeserializeOwned>(
    token: &str,
    key: &VerifyingKey,
) -> Result<C, TokenRefusal> {
    let mut validation = jsonwebtoken::Validation::new(key.algorithm().into());
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode(token, key.decoding(), &validation) {
        Ok(decoded) => Ok(decoded.claims),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenRefusal::Signature,
            jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => TokenRefusal::Algorithm,
            jsonwebtoken::errors::ErrorKind::Json(_) => TokenRefusal::Claim,
            _ => TokenRefusal::Malformed,
        }),
    }
}
