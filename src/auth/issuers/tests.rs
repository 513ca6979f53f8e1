//! The rules of `docs/protocol.md`, section 1, that need no database, against an issuer whose keys are in a
//! file.

use serde_json::{Value, json};

use super::*;
use crate::auth::testing::TestKey;
use crate::auth::token::Algorithm;
use crate::domain::users::Role;

const NOW: i64 = 1_700_000_000;
const ISS: &str = "https://issuer.example";

struct Cast {
    _folder: tempfile::TempDir,
    issuers: Issuers,
    key: TestKey,
}

fn settings() -> IssuerSettings {
    IssuerSettings {
        provisioning: Provisioning::Never,
        plain_http: PlainHttp::LoopbackOnly,
        leeway: Duration::from_secs(5),
        max_age: Duration::from_secs(300),
        timeout: Duration::from_secs(1),
    }
}

fn load(folder: &tempfile::TempDir, file: &Value) -> Result<Issuers, BadIssuers> {
    let path = folder.path().join("issuers.json");
    std::fs::write(&path, file.to_string()).unwrap();
    Issuers::load(&path, &settings(), "souk", Clock::manual(Timestamp::from_seconds(NOW).unwrap()))
}

/// One issuer with a key of this algorithm called `k1`; `entry` overrides or adds members.
fn cast(algorithm: Algorithm, entry: Value) -> Cast {
    let folder = tempfile::tempdir().unwrap();
    let key = TestKey::new(algorithm.into());
    std::fs::write(folder.path().join("keys.json"), json!({"keys": [key.jwk("k1")]}).to_string()).unwrap();
    let mut whole = json!({"iss": ISS, "jwks_file": "keys.json", "algorithms": [algorithm]});
    whole.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
    let issuers = load(&folder, &json!({"issuers": [whole]})).unwrap();
    Cast { _folder: folder, issuers, key }
}

/// Valid claims, with `changes` applied; null removes one.
fn claims(changes: Value) -> Value {
    let mut claims =
        json!({"iss": ISS, "sub": "user_1", "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "t1"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

impl Cast {
    async fn verify(&self, token: &str) -> Result<OutsideToken, AuthError> {
        self.issuers.verify(&Unverified::parse(token)?).await
    }

    async fn answer(&self, changes: Value) -> &'static str {
        let token = self.key.sign("k1", &claims(changes));
        self.verify(&token).await.map_or_else(|error| error.code(), |_| "good")
    }
}

#[tokio::test]
async fn each_algorithm_verifies() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let cast = cast(algorithm, json!({}));
        assert_eq!(cast.answer(json!({})).await, "good", "{algorithm:?}");
        let mut forged = cast.key.sign("k1", &claims(json!({})));
        let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
        forged.push(last);
        let refused = cast.verify(&forged).await.unwrap_err();
        assert!(["signature", "malformed"].contains(&refused.code()), "{algorithm:?} {refused}");
        let stranger = TestKey::new(algorithm.into()).sign("k1", &claims(json!({})));
        assert_eq!(cast.verify(&stranger).await.unwrap_err().code(), "signature", "{algorithm:?}");
    }
}

#[tokio::test]
async fn each_claim_is_checked_and_has_its_reason() {
    let cast =
        cast(Algorithm::EdDSA, json!({"audiences": ["souk"], "authorized_parties": ["https://app.example"]}));
    let good = json!({"aud": ["x", "souk"], "azp": "https://app.example"});
    for (changes, expected) in [
        (json!({}), "good"),
        (json!({"iss": "https://issuer.example/"}), "issuer"),
        (json!({"iss": null}), "issuer"),
        (json!({"aud": "other"}), "audience"),
        (json!({"aud": null}), "audience"),
        (json!({"azp": "https://app.example.evil"}), "authorized_party"),
        (json!({"azp": null}), "authorized_party"),
        (json!({"exp": NOW - 5}), "expired"),
        (json!({"exp": NOW - 4}), "good"),
        (json!({"exp": null}), "claim"),
        (json!({"exp": "soon"}), "claim"),
        (json!({"nbf": NOW + 6}), "not_yet_valid"),
        (json!({"iat": NOW + 6}), "issued_ahead"),
        (json!({"nbf": NOW + 5, "iat": NOW + 5}), "good"),
        (json!({"sub": null}), "no_subject"),
        (json!({"sub": ""}), "no_subject"),
        (json!({"sts": "pending"}), "pending"),
        (json!({"sts": "active"}), "good"),
    ] {
        let mut all = good.clone();
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(cast.answer(all).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn the_entry_alone_fixes_algorithm_and_key() {
    let cast = cast(Algorithm::RS256, json!({}));
    // Algorithm confusion: the public key, which everybody has, used as an HMAC secret.
    let public = cast.key.jwk("k1").to_string();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some("k1".into());
    let secret = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
    let confused = jsonwebtoken::encode(&header, &claims(json!({})), &secret).unwrap();
    assert_eq!(cast.verify(&confused).await.unwrap_err().code(), "algorithm");
    // A valid key of a kind that the entry does not name.
    let other = TestKey::new(Algorithm::EdDSA.into()).sign("k1", &claims(json!({})));
    assert_eq!(cast.verify(&other).await.unwrap_err().code(), "algorithm");
    let unknown = cast.key.sign("k2", &claims(json!({})));
    assert_eq!(cast.verify(&unknown).await.unwrap_err().code(), "unknown_key");
}

#[tokio::test]
async fn native_clients_may_come_without_a_party() {
    let entry = json!({"authorized_parties": ["https://app.example"], "native_clients": true});
    let cast = cast(Algorithm::EdDSA, entry);
    assert_eq!(cast.answer(json!({})).await, "good");
    assert_eq!(cast.answer(json!({"azp": "https://evil.example"})).await, "authorized_party");
}

#[tokio::test]
async fn who_somebody_is_comes_from_claims_that_users_cannot_write() {
    let cast = cast(Algorithm::EdDSA, json!({"provision_users": true}));
    let read = async |changes: Value| cast.verify(&cast.key.sign("k1", &claims(changes))).await.unwrap();
    let token = read(json!({"unsafe_metadata": {"role": "admin"}})).await;
    assert_eq!(token.profile.role, None);
    assert_eq!(token.provisioning, Provisioning::AtFirstSight);
    assert_eq!(token.actor, None);
    let token =
        read(json!({"metadata": {"role": "provider"}, "email": "a@x.org", "email_verified": false})).await;
    assert_eq!((token.profile.role, token.profile.email), (Some(Role::Provider), None));
    let token = read(json!({"public_metadata": {"role": "root"}, "act": {"sub": "boss"}, "sid": "s1"})).await;
    assert_eq!((token.profile.role, token.actor.as_deref()), (None, Some("boss")));
    let same = read(json!({"sid": "s1", "jti": "t2"})).await;
    assert_eq!(token.login, same.login);
    assert!(token.login.is_some() && token.jti != same.jti);
    assert_eq!(read(json!({"act": true})).await.actor.as_deref(), Some("unnamed"));
}

#[tokio::test]
async fn one_configured_key_needs_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let pem = include_str!("test_public_key.pem");
    let entry = json!({"iss": ISS, "pem": pem, "algorithms": ["EdDSA"]});
    load(&folder, &json!({"issuers": [entry]})).unwrap();
}

#[test]
fn entries_that_contradict_themselves_are_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://issuer.example/jwks.json";
    let bad = |entry: Value| load(&folder, &json!({"issuers": [entry]})).unwrap_err().to_string();
    for (entry, expected) in [
        (json!({"iss": "", "jwks_url": url}), "iss"),
        (json!({"iss": "souk", "jwks_url": url}), "our own"),
        (json!({"iss": "a"}), "exactly one"),
        (json!({"iss": "a", "jwks_url": url, "jwks_file": "x"}), "exactly one"),
        (json!({"iss": "a", "jwks_url": url, "algorithms": []}), "algorithms"),
        (json!({"iss": "a", "jwks_url": url, "algorithms": ["HS256"]}), "algorithms"),
        (json!({"iss": "a", "jwks_url": url, "algorithms": ["none"]}), "unknown variant"),
        (json!({"iss": "a", "jwks_url": "http://issuer.example/jwks"}), "https"),
        (json!({"iss": "a", "jwks_url": "file:///etc/passwd"}), "https"),
        (json!({"iss": "a", "jwks_url": url, "audience": "typo"}), "unknown field"),
        (json!({"iss": "a", "pem": "-----BEGIN PRIVATE KEY-----"}), "PEM"),
        (json!({"iss": "a", "pem": include_str!("test_public_key.pem")}), "EdDSA"),
    ] {
        let message = bad(entry.clone());
        assert!(message.contains(expected), "{entry}: {message}");
    }
    for url in ["http://127.0.0.1:9/jwks", "http://[::1]/jwks", "http://localhost/jwks"] {
        load(&folder, &json!({"issuers": [{"iss": "a", "jwks_url": url}]})).unwrap();
    }
    let twice = json!({"issuers": [{"iss": "a", "jwks_url": url}, {"iss": "a", "jwks_url": url}]});
    assert!(load(&folder, &twice).is_err());
}
