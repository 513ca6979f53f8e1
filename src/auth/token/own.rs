//! Our own access tokens: minted at login, verified on each request.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Audience, Lifetime, NumericDate, SigningKey, Unverified, verified_claims};
use crate::auth::error::{AuthError, TokenRefusal};
use crate::clock::Timestamp;
use crate::domain::policy::Viewer;
use crate::domain::users::views::View;
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

/// The content of a valid token of our own. The plan is left out: it comes from the user's row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnToken {
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) jti: TokenId,
    pub(crate) basis: Basis,
    pub(crate) expires_at: Timestamp,
}

/// What a token of our own depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A login of its user.
    Login(LoginId),
    /// An admin's right to view as its user.
    View(Box<ViewBasis>),
}

/// What a view depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ViewBasis {
    /// The admin, and the token that the view was begun with.
    pub(crate) viewer: Viewer,
    /// `token_epoch` of the user's row when the view began.
    pub(crate) user_epoch: Timestamp,
}

/// A view to mint a token for.
#[derive(Debug)]
pub(crate) struct ViewMinting<'a> {
    pub(crate) view: &'a View,
    pub(crate) jti: &'a TokenId,
    pub(crate) now: Timestamp,
}

/// `act` of a view's token (RFC 8693, section 4.1): the admin, and what identifies the token that the view was begun
/// with. `sub` alone is of use to others.
#[derive(Serialize, Deserialize)]
struct Act {
    sub: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<LoginId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside_session: Option<String>,
    jti: String,
    token_epoch: Timestamp,
}

impl Act {
    fn of(viewer: &Viewer) -> Self {
        Self {
            sub: viewer.user,
            iss: viewer.issuer.as_deref().map(str::to_owned),
            sid: viewer.login,
            outside_session: viewer.outside_session.as_deref().map(str::to_owned),
            jti: viewer.token.0.clone(),
            token_epoch: viewer.token_epoch,
        }
    }

    fn viewer(self) -> Viewer {
        Viewer {
            user: self.sub,
            name: self.sub.to_string(),
            issuer: self.iss.map(Arc::from),
            token: TokenId(self.jti),
            login: self.sid,
            outside_session: self.outside_session.map(Arc::from),
            token_epoch: self.token_epoch,
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    sub: UserId,
    user_id: UserId,
    email: &'a str,
    role: Role,
    plan: Plan,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<LoginId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_epoch: Option<Timestamp>,
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
    act: Option<Act>,
    token_epoch: Option<Timestamp>,
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
        let Minting { user, jti, login, now, expires_at } = *minting;
        self.sign(&Written { sid: Some(login), ..self.claims(user, jti, now, expires_at) })
    }

    /// Signs the token of a view. It has no `sid`: a server of an older version, which knows no `act`, refuses it.
    pub(crate) fn mint_view(&self, minting: &ViewMinting<'_>) -> Result<String, jsonwebtoken::errors::Error> {
        let ViewMinting { view, jti, now } = *minting;
        self.sign(&Written {
            act: Some(Act::of(&view.viewer)),
            token_epoch: Some(view.user.token_epoch),
            ..self.claims(&view.user, jti, now, view.expires_at)
        })
    }

    fn claims<'a>(
        &'a self,
        user: &'a User,
        jti: &'a TokenId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Written<'a> {
        Written {
            sub: user.id,
            user_id: user.id,
            email: &user.email,
            role: user.role,
            plan: user.plan,
            jti: &jti.0,
            sid: None,
            act: None,
            token_epoch: None,
            iat: now.as_seconds(),
            exp: expires_at.as_seconds(),
            iss: &self.issuer,
            aud: &self.audience,
        }
    }

    fn sign(&self, claims: &Written<'_>) -> Result<String, jsonwebtoken::errors::Error> {
        let header = jsonwebtoken::Header::new(self.key.verifying().algorithm().into());
        jsonwebtoken::encode(&header, claims, self.key.encoding())
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
        let basis = match (claims.sid, claims.act, claims.token_epoch) {
            (Some(login), None, None) => Basis::Login(login),
            (None, Some(act), Some(user_epoch)) => {
                Basis::View(Box::new(ViewBasis { viewer: act.viewer(), user_epoch }))
            }
            _ => return Err(TokenRefusal::Claim.into()),
        };
        match (claims.role, claims.jti) {
            (Some(role), Some(jti)) if !jti.is_empty() && sub == user_id => {
                Ok(OwnToken { user, role, jti: TokenId(jti), basis, expires_at })
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
            assert_eq!(
                (token.user, token.basis, token.expires_at),
                (user.id, Basis::Login(login), at(NOW + 60))
            );
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
            ("act", json!({"sub": id, "jti": "t", "token_epoch": at(NOW)}), "claim"),
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
