//! JSON Web Key Sets (RFC 7517): which keys of a set may verify one of our algorithms, and why others may
//! not.

use serde::Deserialize;

use crate::auth::token::{Algorithm, BadKey, VerifyingKey};

/// Most keys in a set; more is a mistake of the issuer's.
const MAX_KEYS: usize = 64;

/// The usable keys of an issuer's set.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<(Option<String>, VerifyingKey)>,
}

/// The text is not a key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadKeySet {
    #[error("it is not a JSON Web Key Set: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
}

#[derive(Deserialize)]
struct Written {
    /// Parsed one by one, so that one unusable key does not invalidate the others.
    keys: Vec<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a set. Keys that may not verify our algorithms are skipped and logged.
    pub(super) fn parse(json: &[u8], iss: &str) -> Result<Self, BadKeySet> {
        let written: Written = serde_json::from_slice(json)?;
        if written.keys.len() > MAX_KEYS {
            return Err(BadKeySet::TooMany);
        }
        let mut set = Self::default();
        for raw in written.keys {
            match read(raw.get()) {
                Ok(key) => set.keys.push(key),
                Err(reason) => log::warn!(iss = iss, reason:% = reason; "a key of the issuer is not used"),
            }
        }
        Ok(set)
    }

    /// A set of one configured key, which matches any `kid`.
    pub(super) fn of_one(key: VerifyingKey) -> Self {
        Self { keys: vec![(None, key)] }
    }

    /// The key with this `kid`; without a `kid`, the only key for `algorithm` if there is exactly one.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let fitting = || self.keys.iter().filter(|(_, key)| key.algorithm() == algorithm);
        if let Some((_, key)) = fitting().find(|(name, _)| kid.is_some() && name.as_deref() == kid) {
            return Some(key);
        }
        let mut nameless = fitting().filter(|(name, _)| kid.is_none() || name.is_none());
        match (nameless.next(), nameless.next()) {
            (Some((_, only)), None) => Some(only),
            _ => None,
        }
    }
}

fn read(json: &str) -> Result<(Option<String>, VerifyingKey), BadKey> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| BadKey::Malformed)?;
    if jwk.kty == "oct" {
        return Err(BadKey::Symmetric);
    }
    let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") || !verifies {
        return Err(BadKey::NotForSignatures);
    }
    let field = |value: &Option<String>| value.clone().ok_or(BadKey::Malformed);
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => VerifyingKey::rsa(&field(&jwk.n)?, &field(&jwk.e)?)?,
        ("EC", Some("P-256")) => VerifyingKey::p256(&field(&jwk.x)?, &field(&jwk.y)?)?,
        ("OKP", Some("Ed25519")) => VerifyingKey::ed25519(&field(&jwk.x)?)?,
        _ => return Err(BadKey::Unsupported),
    };
    // RFC 9864 names EdDSA on this curve "Ed25519".
    let stated = jwk.alg.as_deref().map(|alg| if alg == "Ed25519" { "EdDSA" } else { alg });
    match stated {
        Some(alg) if Algorithm::parse(alg) != Some(key.algorithm()) => Err(BadKey::Unsupported),
        _ => Ok((jwk.kid, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn refusal(json: &str) -> Option<BadKey> {
        read(json).err()
    }

    #[test]
    fn keys_that_may_not_verify_are_refused_each_for_its_reason() {
        assert_eq!(refusal(&format!("{{{ED}}}")), None);
        assert_eq!(refusal(&format!(r#"{{{ED},"use":"sig","alg":"EdDSA","key_ops":["verify"]}}"#)), None);
        assert_eq!(refusal(r#"{"kty":"oct","k":"c2VjcmV0"}"#), Some(BadKey::Symmetric));
        assert_eq!(refusal(&format!(r#"{{{ED},"use":"enc"}}"#)), Some(BadKey::NotForSignatures));
        assert_eq!(refusal(&format!(r#"{{{ED},"key_ops":["encrypt"]}}"#)), Some(BadKey::NotForSignatures));
        assert_eq!(refusal(&format!(r#"{{{ED},"alg":"RS256"}}"#)), Some(BadKey::Unsupported));
        assert_eq!(refusal(r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#), Some(BadKey::Unsupported));
        assert_eq!(refusal(r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#), Some(BadKey::RsaSize));
        assert_eq!(refusal(r#"{"kty":"RSA","e":"AQAB"}"#), Some(BadKey::Malformed));
        assert_eq!(refusal(r#"{"kid":7}"#), Some(BadKey::Malformed));
    }

    #[test]
    fn one_odd_key_does_not_take_the_good_ones_down() {
        let json = format!(r#"{{"keys":[{{"kty":7}},{{{ED},"kid":"a"}},{{"kty":"oct","k":"AA"}}]}}"#);
        let set = KeySet::parse(json.as_bytes(), "x").unwrap();
        assert_eq!(set.keys.len(), 1);
        assert!(set.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(set.find(Some("a"), Algorithm::RS256).is_none());
        assert!(set.find(Some("b"), Algorithm::EdDSA).is_none());
        assert!(set.find(None, Algorithm::EdDSA).is_some());
    }

    #[test]
    fn a_token_that_names_no_key_among_several_has_none() {
        let json = format!(r#"{{"keys":[{{{ED},"kid":"a"}},{{{ED},"kid":"b"}}]}}"#);
        let set = KeySet::parse(json.as_bytes(), "x").unwrap();
        assert!(set.find(None, Algorithm::EdDSA).is_none());
        assert!(set.find(Some("b"), Algorithm::EdDSA).is_some());
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let crowd = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; MAX_KEYS + 1].join(","));
        for json in ["", "[]", "{}", r#"{"keys":7}"#, crowd.as_str()] {
            assert!(KeySet::parse(json.as_bytes(), "x").is_err(), "{json}");
        }
    }
}
