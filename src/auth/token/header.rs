//! The unverified content of a token. None of it is trusted: it only selects the verifier.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Algorithm, MAX_TOKEN_BYTES};
use crate::auth::error::TokenRefusal;

/// A token of acceptable length and shape, not verified.
#[derive(Debug)]
pub(crate) struct Unverified<'t> {
    token: &'t str,
    header: Header,
    issuer: Option<String>,
}

/// The header parameters that are read. `jwk`, `jku`, `x5u` and `x5c` are not among them: a token must not
/// bring its own key.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: Option<String>,
}

impl<'t> Unverified<'t> {
    /// Splits and decodes the token, and refuses what no verifier could accept.
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenRefusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRefusal::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenRefusal::Malformed);
        };
        let header: Header = decode(header)?;
        if header.crit.is_some() {
            return Err(TokenRefusal::Critical);
        }
        if !matches!(
            header.typ.as_deref().map(str::to_ascii_lowercase).as_deref(),
            None | Some("jwt" | "at+jwt")
        ) {
            return Err(TokenRefusal::Type);
        }
        let Issuer { iss } = decode(claims)?;
        Ok(Self { token, header, issuer: iss })
    }

    /// The token's text.
    pub(crate) fn token(&self) -> &'t str {
        self.token
    }

    /// The unverified `iss`.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The unverified `kid`.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The header's algorithm, if it is one of `allowed`.
    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, TokenRefusal> {
        Algorithm::parse(&self.header.alg).filter(|alg| allowed.contains(alg)).ok_or(TokenRefusal::Algorithm)
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, TokenRefusal> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenRefusal::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    fn refusal(header: &str, claims: &str) -> Option<TokenRefusal> {
        Unverified::parse(&token(header, claims)).err()
    }

    #[test]
    fn a_token_selects_its_verifier_and_nothing_else() {
        let text =
            token(r#"{"alg":"RS256","kid":"k1","jku":"https://evil.example"}"#, r#"{"iss":"https://a"}"#);
        let token = Unverified::parse(&text).unwrap();
        assert_eq!((token.issuer(), token.kid()), (Some("https://a"), Some("k1")));
        assert_eq!(token.algorithm(&[Algorithm::RS256]), Ok(Algorithm::RS256));
        assert_eq!(token.algorithm(&[Algorithm::ES256]), Err(TokenRefusal::Algorithm));
    }

    #[test]
    fn none_is_no_algorithm() {
        for none in ["none", "None", "", "HS384"] {
            let text = token(&format!(r#"{{"alg":"{none}"}}"#), "{}");
            let all = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
            assert_eq!(Unverified::parse(&text).unwrap().algorithm(&all), Err(TokenRefusal::Algorithm));
        }
    }

    #[test]
    fn shapes_that_no_verifier_accepts_are_refused_first() {
        assert_eq!(Unverified::parse(&"a".repeat(MAX_TOKEN_BYTES + 1)).err(), Some(TokenRefusal::TooLong));
        for text in ["", "a", "a.b", "a.b.c.d", "a.b.c", "..", "ey.ey.ey"] {
            assert_eq!(Unverified::parse(text).err(), Some(TokenRefusal::Malformed), "{text}");
        }
        assert_eq!(refusal(r#"{"alg":"RS256","typ":"logout+jwt"}"#, "{}"), Some(TokenRefusal::Type));
        assert_eq!(refusal(r#"{"alg":"RS256","crit":["exp"]}"#, "{}"), Some(TokenRefusal::Critical));
        assert_eq!(refusal(r#"{"alg":"RS256","alg":"HS256"}"#, "{}"), Some(TokenRefusal::Malformed));
        assert_eq!(refusal(r#"{"alg":"RS256"}"#, r#"{"iss":["a"]}"#), Some(TokenRefusal::Malformed));
        assert_eq!(refusal(r#"{"alg":"RS256","typ":"at+JWT"}"#, "{}"), None);
    }
}
