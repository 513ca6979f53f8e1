//! Tokens of an external issuer, played by a local server.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use souk::auth::{NewPassword, SignUp};
use souk::db::DbError;
use souk::db::schema::audit;
use souk::domain::policy::Scope;
use souk::domain::users::{DisplayName, Plan, Reason, Role, User, service};
use souk::ids::{CallId, UserId};

use crate::support::{self, Answer, Engine, ISS, Issuer, Socket, TestApp, TestKey};

/// A running issuer, and a server that trusts it.
struct Cast<'a> {
    issuer: Issuer,
    app: &'a TestApp,
}

/// Runs a test with an issuer on both engines. `entry` adds members to its configuration.
fn with_issuer(algorithm: Algorithm, entry: &Value, test: impl AsyncFn(&Cast<'_>)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let issuer = Issuer::start(algorithm);
        let name = format!("{algorithm:?}");
        let path = issuer.describe(&name, entry);
        let flags = ["--issuers", path.to_str().unwrap()];
        support::run(engine, &flags, async |app| test(&Cast { issuer, app }).await);
    }
}

fn provisioning() -> Value {
    json!({"provision_users": true})
}

impl Cast<'_> {
    /// Valid claims with `changes`; null removes one.
    fn claims(&self, changes: &Value) -> Value {
        let now = self.app.clock.now().as_seconds();
        let mut claims =
            json!({"iss": ISS, "sub": "user_1", "exp": now + 600, "iat": now, "nbf": now, "jti": "t1"});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn token(&self, changes: Value) -> String {
        self.issuer.key.sign("k1", &self.claims(&changes))
    }

    async fn me(&self, token: &str) -> Answer {
        self.app.with_token(token).get("/auth/me").await
    }

    /// The token is refused with the one response for all bad tokens, and with `reason` in the log.
    async fn is_refused(&self, token: &str, reason: &str) {
        let answer = self.me(token).await;
        let mut problem = answer.refused(401);
        let call = problem["request_id"].take();
        let uniform = json!({
            "type": "urn:souk:problem:unauthorized", "title": "Unauthorized", "status": 401,
            "detail": "the token is not valid", "code": "unauthorized", "instance": "/auth/me", "request_id": null,
        });
        assert_eq!(problem, uniform, "{reason}");
        let challenge = "Bearer realm=\"souk\", error=\"invalid_token\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{reason}");
        let rows = self.db_audit(call.as_str().unwrap().parse().unwrap()).await;
        assert_eq!(rows, [("authenticate".to_owned(), Some(reason.to_owned()), None)]);
    }

    /// Action, detail and impersonator of a call's audit rows.
    async fn db_audit(&self, call: CallId) -> Vec<(String, Option<String>, Option<String>)> {
        use diesel::prelude::*;
        let read = self.app.server.db.read(move |uow| {
            let rows = audit::table.filter(audit::call_id.eq(call.to_string())).order(audit::id.asc());
            let columns = (audit::action, audit::detail, audit::impersonator);
            rows.select(columns).load(uow.conn()).map_err(DbError::from)
        });
        read.await.unwrap()
    }

    /// An admin's scope; no route creates one.
    async fn db_admin(&self) -> Scope {
        let auth = &self.app.server.auth;
        let sign_up = SignUp {
            email: "root@example.com".parse().unwrap(),
            password: NewPassword::parse("correct horse battery").unwrap(),
            display_name: DisplayName::parse("Root").unwrap(),
            role: Role::Admin,
            plan: Plan::Free,
        };
        auth.enroll(sign_up).await.unwrap();
        let minted = auth.mint(&"root@example.com".parse().unwrap(), None).await.unwrap();
        auth.authenticate(&minted.access_token, CallId::new(self.app.clock.now())).await.unwrap()
    }
}

async fn id_of(answer: Answer) -> UserId {
    answer.ok()["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn somebody_new_is_made_at_first_sight_and_known_afterwards() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        with_issuer(algorithm, &provisioning(), async |cast| {
            let metadata = json!({"role": "provider"});
            let first = json!({"email": "Ana@Example.com", "name": "Ana", "public_metadata": metadata});
            let ana = cast.me(&cast.token(first)).await.ok();
            assert_eq!((&ana["clerk_id"], &ana["email"]), (&json!("user_1"), &json!("ana@example.com")));
            assert_eq!((&ana["display_name"], &ana["role"]), (&json!("Ana"), &json!("provider")));
            assert!(ana["provider_id"].is_string());
            // Later tokens identify the user, but do not change role or email.
            let later = json!({"public_metadata": {"role": "admin"}, "email": "other@example.com"});
            assert_eq!(cast.me(&cast.token(later)).await.ok(), ana);
            // An email address of another user is not taken over.
            let other = json!({"sub": "user_2", "email": "ana@example.com"});
            let other = cast.me(&cast.token(other)).await.ok();
            assert_ne!(other["id"], ana["id"]);
            assert_ne!(other["email"], ana["email"]);
            assert_eq!(cast.issuer.asked(), 1);
        });
    }
}

#[test]
fn somebody_new_is_nobody_where_users_are_not_provisioned() {
    with_issuer(Algorithm::EdDSA, &json!({}), async |cast| {
        cast.is_refused(&cast.token(json!({})), "unknown_or_inactive").await;
    });
}

#[test]
fn each_bad_token_has_its_reason_inside_and_one_answer_outside() {
    let entry = json!({"audiences": ["souk"], "authorized_parties": ["https://app.example"], "provision_users": true});
    with_issuer(Algorithm::RS256, &entry, async |cast| {
        let now = cast.app.clock.now().as_seconds();
        let good = json!({"aud": "souk", "azp": "https://app.example"});
        cast.me(&cast.token(good.clone())).await.ok();
        for (changes, reason) in [
            (json!({"iss": "https://issuer.example/"}), "issuer"),
            (json!({"iss": null}), "issuer"),
            (json!({"aud": "others"}), "audience"),
            (json!({"aud": null}), "audience"),
            (json!({"azp": "https://evil.example"}), "authorized_party"),
            (json!({"azp": null}), "authorized_party"),
            (json!({"exp": now - 10}), "expired"),
            (json!({"exp": null}), "claim"),
            (json!({"nbf": now + 60}), "not_yet_valid"),
            (json!({"iat": now + 60}), "issued_ahead"),
            (json!({"sub": null}), "no_subject"),
            (json!({"sub": ""}), "no_subject"),
            (json!({"sts": "pending"}), "pending"),
        ] {
            let mut all = good.clone();
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            cast.is_refused(&cast.token(all), reason).await;
        }

        let claims = cast.claims(&good);
        let header = |name: &str, value: Value| {
            let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": "k1"});
            header[name] = value;
            let parts = [header.to_string(), claims.to_string(), "signature".to_owned()];
            parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
        };
        cast.is_refused(&header("x", json!(1)), "signature").await;
        cast.is_refused(&header("alg", json!("none")), "algorithm").await;
        cast.is_refused(&header("alg", json!("ES256")), "algorithm").await;
        cast.is_refused(&header("typ", json!("logout+jwt")), "typ").await;
        cast.is_refused(&header("crit", json!(["exp"])), "crit").await;
        cast.is_refused(&header("kid", json!("k9")), "unknown_key").await;
        cast.is_refused("garbage", "malformed").await;
        cast.is_refused(&"a".repeat(9_000), "too_long").await;

        // The public key as an HMAC secret (algorithm confusion).
        let mut confused = Header::new(Algorithm::HS256);
        confused.kid = Some("k1".into());
        let secret = EncodingKey::from_secret(cast.issuer.key.jwk("k1").to_string().as_bytes());
        let confused = jsonwebtoken::encode(&confused, &claims, &secret).unwrap();
        cast.is_refused(&confused, "algorithm").await;
        // A token that embeds an attacker's key.
        let stranger = TestKey::new(Algorithm::RS256);
        let mut brought: Header = Header::new(Algorithm::RS256);
        brought.kid = Some("k1".into());
        brought.jku = Some("http://127.0.0.1:9/".into());
        brought.jwk = Some(serde_json::from_value(stranger.jwk("k1")).unwrap());
        cast.is_refused(&stranger.sign_under(&brought, &claims), "signature").await;
        // The issuer's key must not sign tokens of our own.
        let ours = cast.token(json!({"iss": "souk", "aud": "souk"}));
        cast.is_refused(&ours, "algorithm").await;
    });
}

#[test]
fn keys_rotate() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let old = cast.token(json!({}));
        cast.me(&old).await.ok();
        let next = TestKey::new(Algorithm::EdDSA);
        cast.issuer.publish(&[("k1", &cast.issuer.key), ("k2", &next)]);
        cast.me(&next.sign("k2", &cast.claims(&json!({})))).await.ok();
        assert_eq!(cast.issuer.asked(), 2);
        cast.me(&old).await.ok();
        // Withdrawn keys are trusted for at most five more minutes.
        cast.issuer.publish(&[("k2", &next)]);
        cast.app.clock.advance(Duration::from_secs(301));
        cast.is_refused(&old, "unknown_key").await;
        cast.me(&next.sign("k2", &cast.claims(&json!({})))).await.ok();
    });
}

#[test]
fn made_up_keys_are_no_nuisance_to_the_issuer() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        cast.me(&cast.token(json!({}))).await.ok();
        let forged = |n: usize| cast.issuer.key.sign(&format!("made-up-{n}"), &cast.claims(&json!({})));
        for n in 0..10 {
            cast.is_refused(&forged(n), "unknown_key").await;
        }
        assert_eq!(cast.issuer.asked(), 2);
        cast.app.clock.advance(Duration::from_secs(61));
        for n in 0..10 {
            cast.is_refused(&forged(n), "unknown_key").await;
        }
        assert_eq!(cast.issuer.asked(), 3);
    });
}

#[test]
fn an_issuer_that_is_down_is_no_verdict() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        cast.issuer.break_down();
        let answer = cast.me(&cast.token(json!({}))).await;
        answer.refused(503);
        assert!(answer.header("retry-after").is_some());
        cast.me(&cast.token(json!({}))).await.refused(503);
        assert_eq!(cast.issuer.asked(), 1);
        cast.issuer.publish(&[("k1", &cast.issuer.key)]);
        cast.app.clock.advance(Duration::from_secs(6));
        cast.me(&cast.token(json!({}))).await.ok();
    });
}

#[test]
fn who_acts_as_somebody_may_look_and_not_write() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let acting = json!({"act": {"sub": "support_7"}, "sid": "s1"});
        cast.is_refused(&cast.token(acting.clone()), "unknown_or_inactive").await;
        cast.me(&cast.token(json!({"sid": "s1"}))).await.ok();
        let client = cast.app.with_token(&cast.token(acting));
        client.get("/auth/me").await.ok();
        let refused = client.post("/auth/logout", Value::Null).await.refused(403);
        let rows = cast.db_audit(refused["request_id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].2.as_deref(), Some("support_7"));
        cast.me(&cast.token(json!({"sid": "s1"}))).await.ok();
    });
}

#[test]
fn logging_out_ends_the_outside_session_alone() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let here = json!({"sid": "s1", "jti": "t1"});
        let client = cast.app.with_token(&cast.token(here.clone()));
        assert_eq!(client.post("/auth/logout", Value::Null).await.status, 204);
        cast.is_refused(&cast.token(here), "revoked").await;
        // The issuer is not told, and goes on signing for the session.
        cast.is_refused(&cast.token(json!({"sid": "s1", "jti": "t2"})), "revoked").await;
        cast.me(&cast.token(json!({"sid": "s2", "jti": "t3"}))).await.ok();
        // Without a session the token itself is revoked.
        let lone = cast.token(json!({"jti": "t4"}));
        assert_eq!(cast.app.with_token(&lone).post("/auth/logout", Value::Null).await.status, 204);
        cast.is_refused(&lone, "revoked").await;
        let given_up = cast.token(json!({"jti": "t5"}));
        cast.app.anyone().post("/auth/revoke", json!({"token": given_up})).await.ok();
        cast.is_refused(&given_up, "revoked").await;
    });
}

#[test]
fn the_suspended_and_those_of_another_role_need_newer_tokens() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let admin = cast.db_admin().await;
        let ana = id_of(cast.me(&cast.token(json!({}))).await).await;
        let write = async |change: fn(
            &mut souk::db::UnitOfWork<'_>,
            &Scope,
            UserId,
        ) -> Result<User, souk::domain::Error>| {
            let admin = admin.clone();
            cast.app.server.db.write(move |uow| change(uow, &admin, ana)).await.unwrap()
        };
        write(|uow, admin, id| service::suspend(uow, admin, id, &Reason::parse("for the test").unwrap()))
            .await;
        cast.is_refused(&cast.token(json!({})), "unknown_or_inactive").await;
        let old = cast.token(json!({}));
        write(|uow, admin, id| service::reinstate(uow, admin, id, None)).await;
        cast.is_refused(&old, "revoked").await;
        cast.app.clock.advance(Duration::from_secs(2));
        let newer = cast.token(json!({}));
        assert_eq!(cast.me(&newer).await.ok()["role"], "consumer");
        write(|uow, admin, id| service::change_role(uow, admin, id, Role::Provider, None)).await;
        cast.is_refused(&newer, "revoked").await;
        cast.app.clock.advance(Duration::from_secs(2));
        let provider = cast.me(&cast.token(json!({}))).await.ok();
        assert_eq!(provider["role"], "provider");
        assert!(provider["provider_id"].is_string() && provider["consumer_id"].is_string());
    });
}

#[test]
fn outside_sessions_end_with_a_log_out_everywhere() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let live = async |token: &str| {
            let mut socket = Socket::connect(cast.app.address, &format!("/ws?token={token}")).await;
            socket.recv("connection_established").await;
            socket
        };
        let here = cast.token(json!({"sid": "s1", "jti": "t1"}));
        let there = cast.token(json!({"sid": "s2", "jti": "t2"}));
        let (mut of_here, mut of_there) = (live(&here).await, live(&there).await);
        let client = cast.app.with_token(&here);
        let keep = "/auth/sessions?keep_current=true";
        assert_eq!(client.delete(keep).await.status, 204);
        assert_eq!(of_there.closed().await.code, 4001);
        of_here.send(json!({"type": "ping"})).await;
        of_here.recv("pong").await;
        let of_nothing = cast.app.with_token(&cast.token(json!({"jti": "t3"})));
        assert_eq!(of_nothing.delete(keep).await.refused(409)["code"], "no_login");

        assert_eq!(client.delete("/auth/sessions").await.status, 204);
        assert_eq!(of_here.closed().await.code, 4001);
        cast.is_refused(&here, "revoked").await;
        cast.is_refused(&there, "revoked").await;
        cast.app.clock.advance(Duration::from_secs(2));
        cast.me(&cast.token(json!({"sid": "s1", "jti": "t4"}))).await.ok();
    });
}

#[test]
fn outside_sessions_end_when_another_process_ends_their_right() {
    with_issuer(Algorithm::EdDSA, &provisioning(), async |cast| {
        let (server, admin) = (&cast.app.server, cast.db_admin().await);
        // A second database handle, whose commits are not announced in this process.
        let config = souk::server::db_config(&server.config.database);
        let elsewhere =
            souk::db::Db::open_beside(&config, cast.app.clock.clone(), std::sync::Arc::new(())).unwrap();
        let live = async || {
            let path = format!("/ws?token={}", cast.token(json!({})));
            let mut socket = Socket::connect(cast.app.address, &path).await;
            let hello = socket.recv("connection_established").await;
            (socket, hello["user_id"].as_str().unwrap().parse::<UserId>().unwrap())
        };
        let (mut before, ana) = live().await;
        cast.app.clock.advance(Duration::from_secs(2));
        elsewhere.write(move |uow| service::log_out(uow, &admin, ana)).await.unwrap();
        cast.app.clock.advance(Duration::from_secs(2));
        let (mut after, _) = live().await;
        assert_eq!(before.closed().await.code, 4001);
        after.send(json!({"type": "ping"})).await;
        after.recv("pong").await;
        elsewhere.close().await;
    });
}
