//! Our own access tokens: minted at login, verified on each request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Audience, Lifetime, NumericDate, SigningKey, Unverified, verified_claims};
use crate::auth::error::{AuthError, TokenRefusal};
use crate::clock::Timestamp;
use crate::domain::users::{Plan, Role, User};
use crate::ids::{LoginId, TokenId, UserId};

/// Tolerated clock difference between two of our own nodes.
const NODE_SKEW: Duration = Duration::from_secs(5);

/// Mints and verifies our own tokens. Outside tokens have their own verifier ([`crate::auth::issuers`]).
#[derive(Debug)]
pub(crate) struct OwnTokens {
    key: SigningKey,
    issuer: String,
    audience: String,
}

/// The subject and lifetime of a token to mint.
#[derive(Debug)]
pub(crate) struct Minting<'a> {
    pub(crate) user: &'a User,
    pub(crate) jti: &'a TokenId,
    pub(crate) login: LoginId,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The content of a valid token of our own. Role and plan are left out: those come from the user's row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnToken {
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) jti: TokenId,
    pub(crate) login: LoginId,
    pub(crate) expires_at: Timestamp,
}

#[derive(Serialize)]
struct Written<'a> {
    sub: UserId,
    user_id: UserId,
    email: &'a str,
    role: Role,
    plan: Plan,
    jti: &'a str,
    sid: LoginId,
    iat: i64,
    exp: i64,
    iss: &'a str,
    aud: &'a str,
}

#[derive(Deserialize)]
struct Read {
    sub: Option<String>,
    user_id: Option<String>,
    role: Option<Role>,
    jti: Option<String>,
    sid: Option<LoginId>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    exp: Option<NumericDate>,
    iss: Option<String>,
    aud: Option<Audience>,
}

impl OwnTokens {
    pub(crate) fn new(key: SigningKey, issuer: String, audience: String) -> Self {
        Self { key, issuer, audience }
    }

    /// Whether a token with this `iss` is for this verifier.
    pub(crate) fn issues_as(&self, issuer: &str) -> bool {
        self.issuer == issuer
    }

    /// Signs a token.
    pub(crate) fn mint(&self, minting: &Minting<'_>) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Written {
            sub: minting.user.id,
            user_id: minting.user.id,
            email: &minting.user.email,
            role: minting.user.role,
            plan: minting.user.plan,
            jti: &minting.jti.0,
            sid: minting.login,
            iat: minting.now.as_seconds(),
            exp: minting.expires_at.as_seconds(),
            iss: &self.issuer,
            aud: &self.audience,
        };
        let header = jsonwebtoken::Header::new(self.key.verifying().algorithm().into());
        jsonwebtoken::encode(&header, &claims, self.key.encoding())
    }

    /// Verifies everything about the token that needs no database.
    pub(crate) fn verify(&self, token: &Unverified<'_>, now: Timestamp) -> Result<OwnToken, AuthError> {
        token.algorithm(&[self.key.verifying().algorithm()])?;
        let claims: Read = verified_claims(token.token(), self.key.verifying())?;
        if claims.iss.as_deref() != Some(self.issuer.as_str()) {
            return Err(TokenRefusal::Issuer.into());
        }
        if !claims.aud.is_some_and(|aud| aud.names_any(std::slice::from_ref(&self.audience))) {
            return Err(TokenRefusal::Audience.into());
        }
        // `exp` is exact to the second, but our nodes' clocks may differ a little about `nbf` and `iat`.
        let lifetime = Lifetime { exp: claims.exp, nbf: claims.nbf, iat: claims.iat };
        let expires_at = lifetime.check(now, Duration::ZERO, NODE_SKEW)?;
        let (Some(sub), Some(user_id)) = (claims.sub, claims.user_id) else {
            return Err(AuthError::NoSubject);
        };
        if sub.is_empty() || user_id.is_empty() {
            return Err(AuthError::NoSubject);
        }
        let user: UserId = user_id.parse().map_err(|_| TokenRefusal::Claim)?;
        match (claims.role, claims.jti, claims.sid) {
            (Some(role), Some(jti), Some(login)) if !jti.is_empty() && sub == user_id => {
                Ok(OwnToken { user, role, jti: TokenId(jti), login, expires_at })
            }
            _ => Err(TokenRefusal::Claim.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::{TestKey, somebody};
    use crate::auth::token::Algorithm;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000;
    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn tokens(key: SigningKey) -> OwnTokens {
        OwnTokens::new(key, "souk".into(), "souk-clients".into())
    }

    fn hs256() -> OwnTokens {
        tokens(SigningKey::from_secret(SECRET).unwrap())
    }

    fn mint(tokens: &OwnTokens, user: &User, login: LoginId) -> String {
        let jti = TokenId("t1".into());
        let minting = Minting { user, jti: &jti, login, now: at(NOW), expires_at: at(NOW + 60) };
        tokens.mint(&minting).unwrap()
    }

    fn code(tokens: &OwnTokens, token: &str, now: i64) -> &'static str {
        let verified =
            Unverified::parse(token).map_err(AuthError::from).and_then(|t| tokens.verify(&t, at(now)));
        verified.map_or_else(|error| error.code(), |_| "good")
    }

    #[test]
    fn what_is_minted_verifies_by_each_kind_of_key() {
        let (user, login) = (somebody(at(NOW)), LoginId::new(at(NOW)));
        let mut all = vec![hs256()];
        for algorithm in [Algorithm::RS256, Algorithm::EdDSA] {
            all.push(tokens(SigningKey::from_pem(&TestKey::new(algorithm.into()).private_pem).unwrap()));
        }
        for (n, tokens) in all.iter().enumerate() {
            let text = mint(tokens, &user, login);
            let token = tokens.verify(&Unverified::parse(&text).unwrap(), at(NOW)).unwrap();
            assert_eq!((token.user, token.login, token.expires_at), (user.id, login, at(NOW + 60)));
            assert_eq!(code(tokens, &text, NOW + 60), "expired");
            for (m, other) in all.iter().enumerate().filter(|(m, _)| *m != n) {
                assert_eq!(code(other, &text, NOW), "algorithm", "{n} {m}");
            }
        }
        let stranger = tokens(SigningKey::from_secret(b"another secret of thirty-two bytes").unwrap());
        assert_eq!(code(&stranger, &mint(&hs256(), &user, login), NOW), "signature");
    }

    #[test]
    fn each_claim_is_needed_and_has_its_reason() {
        let (user, login) = (somebody(at(NOW)), LoginId::new(at(NOW)));
        let id = user.id.to_string();
        let whole = json!({"sub": id, "user_id": id, "email": "a@x.org", "role": "consumer", "plan": "free", "jti": "t",
            "sid": login, "iat": NOW, "exp": NOW + 60, "iss": "souk", "aud": "souk-clients"});
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let answer = |name: &str, value: Value| {
            let mut claims = whole.clone();
            claims[name] = value;
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
            code(&hs256(), &token, NOW)
        };
        for (name, value, expected) in [
            ("x", json!(1), "good"),
            ("sub", Value::Null, "no_subject"),
            ("sub", json!(""), "no_subject"),
            ("user_id", Value::Null, "no_subject"),
            ("user_id", json!("7"), "claim"),
            ("sub", json!("somebody else"), "claim"),
            ("role", json!("root"), "claim"),
            ("role", Value::Null, "claim"),
            ("jti", Value::Null, "claim"),
            ("sid", Value::Null, "claim"),
            ("exp", Value::Null, "claim"),
            ("exp", json!(NOW), "expired"),
            ("iat", json!(NOW + 6), "issued_ahead"),
            ("nbf", json!(NOW + 6), "not_yet_valid"),
            ("iss", Value::Null, "issuer"),
            ("iss", json!("souk2"), "issuer"),
            ("aud", Value::Null, "audience"),
            ("aud", json!("others"), "audience"),
        ] {
            assert_eq!(answer(name, value.clone()), expected, "{name} {value}");
        }
    }
}
