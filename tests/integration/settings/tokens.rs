//! Settings of tokens, logins and issuers.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::process::{NEVER, add_user, souk};
use crate::both_engines;
use crate::support::{self, Engine, ISS, Issuer, PASSWORD, Process, TestApp, TestKey};

const OTHER: &str = "d41a7c9be05f48d2a6c3e1f2b4a59687";

/// A decoded part of a token.
fn part(token: &str, index: usize) -> Value {
    let text = token.trim().split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// A temporary file with this content.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

async fn refresh(app: &TestApp, tokens: &Value) -> support::Answer {
    app.anyone().post("/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
}

async fn registered(app: &TestApp) -> Value {
    let form =
        json!({"email": "ana@example.com", "password": PASSWORD, "role": "consumer", "display_name": "Ana"});
    app.anyone().post("/auth/register", form).await.ok()
}

both_engines! {
    fn tokens_are_signed_as_the_settings_say(database) {
        add_user(database, "ana@example.com");
        let key = file(&TestKey::new(Algorithm::EdDSA).private_pem);
        let token = souk(database, &[
            "token", "--user=ana@example.com", "--jwt-algorithm=EdDSA", "--jwt-key-file", key.path().to_str().unwrap(),
            "--jwt-issuer=me", "--jwt-audience=you",
        ]);
        assert_eq!(part(&token, 0)["alg"], "EdDSA");
        let claims = part(&token, 1);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("me"), &json!("you")));
    }

    fn a_token_is_good_where_its_secret_is(database) {
        add_user(database, "ana@example.com");
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let (same, other) = (file(support::JWT_SECRET), file(OTHER));
        let minted = |flag: &str, secret: &str| souk(database, &["token", "--user=ana@example.com", flag, secret]);
        let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
        actix_web::rt::System::new().block_on(async {
            for (token, status) in [
                (minted("--jwt-secret", support::JWT_SECRET), 200),
                (minted("--jwt-secret-file", &path(&same)), 200),
                (minted("--jwt-secret", OTHER), 401),
                (minted("--jwt-secret-file", &path(&other)), 401),
            ] {
                assert_eq!(server.client(Some(token.trim())).get("/auth/me").await.status, status);
            }
        });
    }

}

both_engines! {
    async fn a_login_idles_out_after_its_time(app with ["--login-idle=1h", "--access-ttl=30m"]) {
        let tokens = registered(app).await;
        app.clock.advance(Duration::from_secs(59 * 60));
        let tokens = refresh(app, &tokens).await.ok();
        app.clock.advance(Duration::from_secs(61 * 60));
        assert_eq!(refresh(app, &tokens).await.status, 401);
    }

    async fn a_login_ends_after_its_time_however_much_it_is_used(
        app with ["--login-max=2h", "--login-idle=2h", "--access-ttl=30m"]
    ) {
        let mut tokens = registered(app).await;
        for _ in 0..2 {
            app.clock.advance(Duration::from_secs(59 * 60));
            tokens = refresh(app, &tokens).await.ok();
        }
        app.clock.advance(Duration::from_secs(3 * 60));
        assert_eq!(refresh(app, &tokens).await.status, 401);
    }

    async fn a_ticket_is_good_for_its_time(app with ["--ticket-ttl=2m"]) {
        let ana = app.consumer("ana").await;
        let ticket = async || {
            let ticket = ana.post("/auth/ticket", Value::Null).await.ok();
            format!("/ws?ticket={}", ticket["ticket"].as_str().unwrap())
        };
        let path = ticket().await;
        app.clock.advance(Duration::from_secs(110));
        support::Socket::connect(app.address, &path).await.recv("connection_established").await;
        let path = ticket().await;
        app.clock.advance(Duration::from_secs(130));
        assert_ne!(support::Socket::connect(app.address, &path).await.closed().await.code, 1006);
    }

    async fn so_many_passwords_are_tried_at_once_and_so_many_wait(
        app with ["--argon2-concurrency=1", "--argon2-queue=1", "--logins-per-address=1000"]
    ) {
        assert!(refused_logins(app).await > 0);
    }

    async fn no_password_is_refused_where_all_may_be_tried(
        app with ["--argon2-concurrency=30", "--argon2-queue=1", "--logins-per-address=1000"]
    ) {
        assert_eq!(refused_logins(app).await, 0);
    }
}

/// How many of thirty concurrent logins are refused as overload.
async fn refused_logins(app: &TestApp) -> usize {
    let anyone = app.anyone();
    let wrong = |n: usize| json!({"email": format!("u{n}@example.com"), "password": "wrong horse battery"});
    let answers = join_all((0..30).map(|n| anyone.post("/auth/token", wrong(n)).into_future())).await;
    answers.iter().filter(|answer| answer.status == 503).count()
}

/// A currently valid token of the issuer, with `changes`.
fn outside(app: &TestApp, issuer: &Issuer, changes: Value) -> String {
    let now = app.clock.now().as_seconds();
    let mut claims =
        json!({"iss": ISS, "sub": "user_1", "exp": now + 600, "iat": now, "nbf": now, "jti": "t1"});
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    issuer.key.sign("k1", &claims)
}

fn with_issuer(flags: &[&str], entry: Value, test: impl AsyncFn(&TestApp, &Issuer)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let issuer = Issuer::start(Algorithm::EdDSA);
        let path = issuer.describe("EdDSA", &entry);
        let flags: Vec<_> = flags.iter().copied().chain(["--issuers", path.to_str().unwrap()]).collect();
        support::run(engine, &flags, async |app| test(app, &issuer).await);
    }
}

#[test]
fn an_issuers_clock_may_differ_by_the_leeway() {
    let provisioning = json!({"provision_users": true});
    with_issuer(&["--issuer-leeway=2m"], provisioning, async |app, issuer| {
        let now = app.clock.now().as_seconds();
        let ended = |seconds: i64| outside(app, issuer, json!({"exp": now - seconds}));
        app.with_token(&ended(60)).get("/auth/me").await.ok();
        app.with_token(&ended(180)).get("/auth/me").await.refused(401);
    });
}

#[test]
fn strangers_of_all_issuers_may_be_made_users() {
    with_issuer(&["--provision-users"], json!({}), async |app, issuer| {
        app.with_token(&outside(app, issuer, json!({}))).get("/auth/me").await.ok();
    });
    with_issuer(&[], json!({}), async |app, issuer| {
        app.with_token(&outside(app, issuer, json!({}))).get("/auth/me").await.refused(401);
    });
}

#[test]
fn an_issuers_keys_are_fetched_again_after_their_time() {
    with_issuer(&["--jwks-max-age=20m", "--provision-users"], json!({}), async |app, issuer| {
        app.with_token(&outside(app, issuer, json!({}))).get("/auth/me").await.ok();
        let asked = issuer.asked();
        app.clock.advance(Duration::from_secs(15 * 60));
        app.with_token(&outside(app, issuer, json!({}))).get("/auth/me").await.ok();
        assert_eq!(issuer.asked(), asked);
        app.clock.advance(Duration::from_secs(10 * 60));
        app.with_token(&outside(app, issuer, json!({}))).get("/auth/me").await.ok();
        support::eventually(async || issuer.asked() > asked).await;
    });
}

#[test]
fn an_issuer_that_does_not_answer_is_given_up() {
    // Accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", silent.local_addr().unwrap());
    let description = json!({"issuers": [{"iss": ISS, "jwks_url": url, "algorithms": ["EdDSA"]}]});
    let path = file(&description.to_string());
    let flags = ["--jwks-timeout=200ms", "--issuers", path.path().to_str().unwrap()];
    support::run(Engine::Sqlite, &flags, async |app| {
        let issuer = Issuer::start(Algorithm::EdDSA);
        let client = app.with_token(&outside(app, &issuer, json!({})));
        let answer =
            tokio::time::timeout(NEVER, client.get("/auth/me").into_future()).await.expect("an answer");
        assert!(answer.status >= 400, "{answer}");
    });
}
