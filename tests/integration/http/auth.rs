//! Registration, login, refresh and logout with tokens of our own.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use souk::db::UnitOfWork;
use souk::domain::policy::Scope;
use souk::domain::users::{Role, User, service};
use souk::ids::CallId;

use crate::both_engines;
use crate::support::{Answer, JWT_SECRET, Person, Socket, TestApp};

const PASSWORD: &str = "correct horse battery";

/// Registers a user; returns the tokens.
async fn register(app: &TestApp, email: &str, role: &str) -> Value {
    let form = json!({"email": email, "password": PASSWORD, "role": role});
    app.anyone().post("/auth/register", form).await.ok()
}

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.anyone().post("/auth/token", json!({"email": email, "password": password})).await
}

async fn refresh(app: &TestApp, tokens: &Value) -> Answer {
    app.anyone().post("/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
}

async fn me(app: &TestApp, tokens: &Value) -> Answer {
    app.with_token(tokens["access_token"].as_str().unwrap()).get("/auth/me").await
}

/// Runs a use case on a user that has no route yet.
async fn db_as(
    app: &TestApp,
    admin: &Person,
    change: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<User, souk::domain::Error> + Send + 'static,
) {
    let call = CallId::new(app.clock.now());
    let scope = app.server.auth.authenticate(admin.token().unwrap(), call).await.unwrap();
    app.server.db.write(move |uow| change(uow, &scope)).await.unwrap();
}

both_engines! {
    async fn a_newcomer_registers_and_is_somebody(app) {
        let answer = app
            .anyone()
            .post("/auth/register", json!({"email": " Ana@Example.com", "password": PASSWORD, "role": "consumer"}))
            .await;
        assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
        let tokens = answer.ok();
        assert_eq!(tokens["token_type"], "Bearer");
        assert_eq!(tokens["expires_in"], 1800);
        let ana = me(app, &tokens).await.ok();
        assert_eq!(ana, tokens["user"]);
        assert_eq!((&ana["email"], &ana["role"], &ana["plan"]), (&json!("ana@example.com"), &json!("consumer"), &json!("free")));
        assert!(ana["consumer_id"].is_string() && ana["provider_id"].is_null());
        let ben = register(app, "ben@example.com", "provider").await;
        assert!(ben["user"]["provider_id"].is_string() && ben["user"]["consumer_id"].is_null());

        let again = json!({"email": "ANA@example.com", "password": PASSWORD, "role": "provider"});
        assert_eq!(app.anyone().post("/auth/register", again).await.refused(409)["code"], "email_taken");
    }

    async fn what_is_wrong_with_a_registration_is_said_at_once(app) {
        let form = json!({"email": "ana", "password": "short", "role": "admin", "display_name": ""});
        let problem = app.anyone().post("/auth/register", form).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, ["email", "password", "display_name", "role"]);
    }

    async fn both_addresses_let_in_whoever_knows_the_password(app) {
        register(app, "ana@example.com", "consumer").await;
        for address in ["/auth/token", "/auth/login", "/api/v1/auth/login", "/api/v1/auth/token"] {
            let form = json!({"email": "ana@example.com", "password": PASSWORD});
            let tokens = app.anyone().post(address, form).await.ok();
            assert_eq!(me(app, &tokens).await.ok()["email"], "ana@example.com");
            let form = json!({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]});
            let next = app.anyone().post(address, form).await.ok();
            assert_ne!(next["access_token"], tokens["access_token"]);
        }
    }

    async fn an_unknown_user_and_a_wrong_password_are_answered_alike(app) {
        register(app, "ana@example.com", "consumer").await;
        let wrong = log_in(app, "ana@example.com", "wrong password").await;
        let unknown = log_in(app, "nobody@example.com", "wrong password").await;
        let no_address = log_in(app, "nobody", "").await;
        for answer in [&wrong, &unknown, &no_address] {
            let mut problem = answer.refused(401);
            problem["request_id"] = Value::Null;
            let mut first = wrong.json();
            first["request_id"] = Value::Null;
            assert_eq!(problem, first);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"souk\""));
        }
    }

    async fn guessing_is_slowed_down_per_account(app with ["--logins-per-account=3"]) {
        register(app, "ana@example.com", "consumer").await;
        for _ in 0..5 {
            log_in(app, "ana@example.com", PASSWORD).await.ok();
        }
        for _ in 0..3 {
            log_in(app, "ana@example.com", "wrong password").await.refused(401);
        }
        let throttled = log_in(app, "Ana@example.com", PASSWORD).await;
        throttled.refused(429);
        let wait: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=300).contains(&wait), "{wait}");
        // Unknown accounts are throttled alike, so that throttling does not reveal which exist.
        for _ in 0..3 {
            log_in(app, "nobody@example.com", PASSWORD).await.refused(401);
        }
        log_in(app, "nobody@example.com", PASSWORD).await.refused(429);
        app.clock.advance(Duration::from_secs(300));
        log_in(app, "ana@example.com", PASSWORD).await.ok();
    }

    async fn guessing_is_slowed_down_per_address(app with ["--logins-per-address=4"]) {
        for n in 0..4 {
            log_in(app, &format!("nobody{n}@example.com"), PASSWORD).await.refused(401);
        }
        log_in(app, "somebody@example.com", PASSWORD).await.refused(429);
        let form = json!({"email": "new@example.com", "password": PASSWORD, "role": "consumer"});
        app.anyone().post("/auth/register", form).await.refused(429);
    }

    async fn a_token_ends_when_it_says(app) {
        let tokens = register(app, "ana@example.com", "consumer").await;
        // The clock goes on by itself: ten seconds for what happens meanwhile.
        app.clock.advance(Duration::from_secs(1790));
        me(app, &tokens).await.ok();
        app.clock.advance(Duration::from_secs(10));
        let refused = me(app, &tokens).await;
        refused.refused(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"souk\", error=\"invalid_token\""));
        let next = refresh(app, &tokens).await.ok();
        me(app, &next).await.ok();
    }

    async fn who_shows_nothing_is_asked_for_a_token(app) {
        let refused = app.anyone().get("/auth/me").await;
        refused.refused(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"souk\""));
    }

    async fn a_used_refresh_token_ends_its_login(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let second = refresh(app, &first).await.ok();
        let third = refresh(app, &second).await.ok();
        me(app, &third).await.ok();
        refresh(app, &first).await.refused(401);
        me(app, &third).await.refused(401);
        refresh(app, &third).await.refused(401);
        // Another login of the same user is another token family.
        log_in(app, "ana@example.com", PASSWORD).await.ok();
    }

    async fn a_lost_answer_may_be_asked_for_once_more(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let lost = refresh(app, &first).await.ok();
        let found = refresh(app, &first).await.ok();
        // The withdrawn pair is void; the new one works.
        me(app, &lost).await.refused(401);
        me(app, &found).await.ok();
        refresh(app, &found).await.ok();
    }

    async fn an_answer_that_was_used_was_not_lost(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let second = refresh(app, &first).await.ok();
        me(app, &second).await.ok();
        refresh(app, &first).await.refused(401);
        me(app, &second).await.refused(401);
    }

    async fn an_answer_is_lost_once(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        refresh(app, &first).await.ok();
        let second = refresh(app, &first).await.ok();
        refresh(app, &first).await.refused(401);
        me(app, &second).await.refused(401);
    }

    async fn a_lost_pair_that_shows_up_after_all_ends_the_login(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let lost = refresh(app, &first).await.ok();
        let found = refresh(app, &first).await.ok();
        refresh(app, &lost).await.refused(401);
        me(app, &found).await.refused(401);
    }

    async fn of_two_who_refresh_at_once_at_most_one_pair_stands(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let (one, other) = tokio::join!(refresh(app, &first), refresh(app, &first));
        let (one, other) = (one.ok(), other.ok());
        let standing = [me(app, &one).await.status, me(app, &other).await.status];
        assert!(standing == [200, 401] || standing == [401, 200], "{standing:?}");
    }

    async fn a_login_idles_out_and_ends_in_all(app) {
        let idle = register(app, "ana@example.com", "consumer").await;
        app.clock.advance(Duration::from_secs(14 * 86_400));
        refresh(app, &idle).await.refused(401);

        let mut tokens = log_in(app, "ana@example.com", PASSWORD).await.ok();
        for _ in 0..8 {
            app.clock.advance(Duration::from_secs(10 * 86_400));
            tokens = refresh(app, &tokens).await.ok();
        }
        // Ten more days would exceed the maximum of ninety; the new token's expiry is limited to it.
        app.clock.advance(Duration::from_secs(10 * 86_400 - 60));
        tokens = refresh(app, &tokens).await.ok();
        assert!(tokens["expires_in"].as_u64().unwrap() <= 60);
        app.clock.advance(Duration::from_secs(60));
        refresh(app, &tokens).await.refused(401);
    }

    async fn logging_out_ends_this_login_alone(app) {
        let here = register(app, "ana@example.com", "consumer").await;
        let there = log_in(app, "ana@example.com", PASSWORD).await.ok();
        let client = app.with_token(here["access_token"].as_str().unwrap());
        assert_eq!(client.post("/auth/logout", Value::Null).await.status, 204);
        me(app, &here).await.refused(401);
        refresh(app, &here).await.refused(401);
        me(app, &there).await.ok();
    }

    async fn logins_are_listed_and_ended_from_elsewhere(app) {
        let here = register(app, "ana@example.com", "consumer").await;
        let there = log_in(app, "ana@example.com", PASSWORD).await.ok();
        let ben = register(app, "ben@example.com", "provider").await;
        let ana = app.with_token(here["access_token"].as_str().unwrap());
        let list = ana.get("/auth/sessions").await.ok();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|item| &item["current"]).collect::<Vec<_>>(), [false, true]);
        assert_eq!(items[0]["address"], "127.0.0.1");
        let page = ana.get("/auth/sessions?limit=1").await.ok();
        let cursor = page["next_cursor"].as_str().unwrap();
        let second = ana.get(&format!("/auth/sessions?limit=1&cursor={cursor}")).await.ok();
        assert_eq!(second["items"][0]["id"], items[1]["id"]);

        let path = format!("/auth/sessions/{}", items[0]["id"].as_str().unwrap());
        let ben = app.with_token(ben["access_token"].as_str().unwrap());
        assert_eq!(ben.delete(&path).await.refused(403)["detail"], "to end this login you must be its owner");
        me(app, &there).await.ok();
        assert_eq!(ana.delete(&path).await.status, 204);
        assert_eq!(ana.delete(&path).await.status, 204);
        me(app, &there).await.refused(401);
        ana.delete("/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
        assert_eq!(ana.get("/auth/sessions").await.ok()["items"].as_array().unwrap().len(), 1);
    }

    async fn tokens_of_ours_that_are_no_good_are_all_refused_alike(app) {
        let tokens = register(app, "ana@example.com", "consumer").await;
        let id = &tokens["user"]["id"];
        let sid = {
            let token = tokens["access_token"].as_str().unwrap();
            app.with_token(token).get("/auth/sessions").await.ok()["items"][0]["id"].clone()
        };
        let now = app.clock.now().as_seconds();
        let whole = json!({"sub": id, "user_id": id, "email": "ana@example.com", "role": "consumer", "plan": "free",
            "jti": "by-hand", "sid": sid, "iat": now, "exp": now + 60, "iss": "souk", "aud": "souk"});
        let me = async |changes: Value, secret: &str| {
            let mut claims = whole.clone();
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let key = EncodingKey::from_secret(secret.as_bytes());
            let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
            app.with_token(&token).get("/auth/me").await
        };
        me(json!({}), JWT_SECRET).await.ok();
        let mut first = None;
        for (changes, secret) in [
            (json!({}), "another secret of at least 32 bytes"),
            (json!({"sub": null}), JWT_SECRET),
            (json!({"user_id": null}), JWT_SECRET),
            (json!({"exp": now}), JWT_SECRET),
            (json!({"exp": null}), JWT_SECRET),
            (json!({"iss": "others"}), JWT_SECRET),
            (json!({"aud": null}), JWT_SECRET),
            // Validly signed, but at odds with our user row.
            (json!({"role": "admin"}), JWT_SECRET),
            (json!({"sid": "01890a5d-ac96-774b-bcce-b302099a8057"}), JWT_SECRET),
        ] {
            let mut problem = me(changes.clone(), secret).await.refused(401);
            problem["request_id"].take();
            assert_eq!(&problem, first.get_or_insert_with(|| problem.clone()), "{changes}");
        }
    }

    async fn the_suspended_are_refused_and_come_back_by_logging_in(app) {
        let tokens = register(app, "ana@example.com", "consumer").await;
        let (admin, ana) = (app.db_admin("root").await, app.person(tokens["access_token"].as_str().unwrap()).await);
        app.db_suspend(&admin, &ana).await;
        me(app, &tokens).await.refused(401);
        refresh(app, &tokens).await.refused(401);
        log_in(app, "ana@example.com", PASSWORD).await.refused(401);
        let id = ana.id.parse().unwrap();
        db_as(app, &admin, move |uow, admin| service::reinstate(uow, admin, id, None)).await;
        me(app, &tokens).await.refused(401);
        let back = log_in(app, "ana@example.com", PASSWORD).await.ok();
        me(app, &back).await.ok();

        db_as(app, &admin, move |uow, admin| service::change_role(uow, admin, id, Role::Provider, None)).await;
        me(app, &back).await.refused(401);
        let provider = log_in(app, "ana@example.com", PASSWORD).await.ok();
        let account = me(app, &provider).await.ok();
        assert_eq!(account["role"], "provider");
        assert!(account["provider_id"].is_string());
    }

    async fn a_ticket_stands_for_the_token_it_was_bought_with(app) {
        let tokens = register(app, "ana@example.com", "consumer").await;
        let token = tokens["access_token"].as_str().unwrap();
        let answer = app.with_token(token).post("/auth/ticket", Value::Null).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let bought = answer.ok();
        assert_eq!(bought["expires_in"], 30);
        let ticket = bought["ticket"].as_str().unwrap();
        let mut socket = Socket::connect(app.address, &format!("/ws?ticket={ticket}")).await;
        assert_eq!(socket.recv("connection_established").await["user_email"], "ana@example.com");
        let second = app.with_token(token).post("/auth/ticket", Value::Null).await.ok();
        app.with_token(token).post("/auth/logout", Value::Null).await.ok();
        let path = format!("/ws?ticket={}", second["ticket"].as_str().unwrap());
        assert_eq!(Socket::connect(app.address, &path).await.closed().await.code, 4001, "the token has ended");
        app.anyone().post("/auth/ticket", Value::Null).await.refused(401);
    }

    async fn operators_see_what_is_refused_and_why(app) {
        register(app, "ana@example.com", "consumer").await;
        log_in(app, "ana@example.com", "wrong password").await.refused(401);
        app.with_token("garbage").get("/auth/me").await.refused(401);
        let metrics = app.anyone().get("/metrics").await.text;
        for line in [
            r#"souk_auth_refusals_total{reason="malformed"} 1"#,
            r#"souk_sign_ins_total{kind="login",outcome="refused"} 1"#,
            r#"souk_sign_ins_total{kind="register",outcome="ok"} 1"#,
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
    }

    async fn whoever_has_a_token_may_give_it_up(app) {
        let first = register(app, "ana@example.com", "consumer").await;
        let second = log_in(app, "ana@example.com", PASSWORD).await.ok();
        let revoke = async |token: &Value| app.anyone().post("/auth/revoke", json!({"token": token})).await.status;
        assert_eq!(revoke(&first["access_token"]).await, 200);
        me(app, &first).await.refused(401);
        let next = refresh(app, &first).await.ok();
        assert_eq!(revoke(&next["refresh_token"]).await, 200);
        me(app, &next).await.refused(401);
        refresh(app, &next).await.refused(401);
        for unknown in ["", "x", "souk_rt_x", first["access_token"].as_str().unwrap()] {
            assert_eq!(revoke(&json!(unknown)).await, 200);
        }
        me(app, &second).await.ok();
    }
}
