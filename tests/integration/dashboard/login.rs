//! How the dashboard logs in: its cookie, and who may use it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Answer, Call, PASSWORD, TestApp};

/// A call as the dashboard's pages make it.
fn of_the_page(app: &TestApp, call: Call) -> Call {
    call.header("Origin", &format!("http://{}", app.address)).header("X-Souk-Dashboard", "1")
}

fn log_in(app: &TestApp, name: &str, password: &str) -> Call {
    let form = json!({"email": format!("{name}@example.com"), "password": password});
    of_the_page(app, app.anyone().post("/admin/login", form))
}

fn refresh(app: &TestApp, cookie: &str) -> Call {
    of_the_page(app, app.anyone().post("/admin/login/refresh", Value::Null)).header("Cookie", cookie)
}

fn log_out(app: &TestApp, cookie: &str) -> Call {
    of_the_page(app, app.anyone().call(Method::DELETE, "/admin/login")).header("Cookie", cookie)
}

/// The cookie of this name that the answer sets, with its attributes.
fn set_cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.get_all("set-cookie").into_iter().map(|cookie| cookie.to_str().unwrap());
    set.filter(|cookie| cookie.starts_with(&format!("{name}="))).collect::<Vec<_>>().join("\n")
}

/// What a browser sends back.
fn cookie(answer: &Answer) -> String {
    set_cookie(answer, "souk-admin-refresh").split(';').next().unwrap().to_owned()
}

fn token(answer: &Answer) -> String {
    answer.ok()["access_token"].as_str().unwrap().to_owned()
}

both_engines! {
    async fn an_admin_logs_in_goes_on_by_the_cookie_and_logs_out(app) {
        app.db_admin("root").await;
        let login = log_in(app, "root", PASSWORD).await;
        assert_eq!(login.ok()["user"]["role"], "admin");
        assert!(login.ok().get("refresh_token").is_none(), "scripts do not see it");
        assert_eq!(login.header("cache-control"), Some("no-store"));
        let set = set_cookie(&login, "souk-admin-refresh");
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/admin/login", "Max-Age="] {
            assert!(set.contains(attribute), "{set}");
        }
        assert!(!set.contains("Secure"), "the page came over plain HTTP: {set}");
        app.with_token(&token(&login)).get("/admin/users").await.ok();

        let next = refresh(app, &cookie(&login)).await;
        assert_ne!(token(&next), token(&login));
        app.with_token(&token(&next)).get("/admin/users").await.ok();
        assert_ne!(cookie(&next), cookie(&login), "each use replaces it");

        let out = log_out(app, &cookie(&next)).await;
        assert_eq!(out.status, 204);
        assert!(set_cookie(&out, "souk-admin-refresh").contains("Max-Age=0"));
        refresh(app, &cookie(&next)).await.refused(401);
        app.with_token(&token(&next)).get("/auth/me").await.refused(401);
        assert_eq!(log_out(app, &cookie(&next)).await.status, 204, "again");
    }

    async fn who_is_no_admin_is_told_so_and_has_no_login(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let refused = log_in(app, "ana", PASSWORD).await;
        let problem = refused.refused(403);
        assert_eq!(problem["detail"], "only admins may use the dashboard; this account is not one");
        assert_eq!(set_cookie(&refused, "souk-admin-refresh"), "");
        assert_eq!(
            ana.get("/auth/sessions").await.ok()["items"].as_array().unwrap().len(),
            1,
            "her own only"
        );
        log_in(app, "ana", "wrong password").await.refused(401);
        log_in(app, "root", "wrong password").await.refused(401);

        let login = log_in(app, "root", PASSWORD).await;
        app.db_admin("mara").await;
        root.put(&format!("/admin/users/{}/role", root.id), json!({"role": "consumer"})).await.ok();
        refresh(app, &cookie(&login)).await.refused(401);
        assert_eq!(log_in(app, "root", PASSWORD).await.status, 403);
    }

    async fn the_cookie_is_of_no_use_to_other_pages(app) {
        app.db_admin("root").await;
        let login = log_in(app, "root", PASSWORD).await;
        let bare =
            || app.anyone().post("/admin/login/refresh", Value::Null).header("Cookie", &cookie(&login));
        let own = format!("http://{}", app.address);
        let others = [
            bare(),
            bare().header("Origin", &own),
            bare().header("X-Souk-Dashboard", "1"),
            bare().header("X-Souk-Dashboard", "1").header("Origin", "null"),
            bare().header("X-Souk-Dashboard", "1").header("Origin", "https://evil.example"),
            bare().header("X-Souk-Dashboard", "1").header("Origin", "http://127.0.0.1:1"),
        ];
        for other in others {
            assert_eq!(other.await.refused(403)["code"], "foreign_origin");
        }
        let preflight = app.anyone().call(Method::OPTIONS, "/admin/login/refresh");
        let preflight = preflight.header("Origin", "http://localhost:3000");
        let preflight = preflight.header("Access-Control-Request-Method", "POST");
        let preflight = preflight.header("Access-Control-Request-Headers", "x-souk-dashboard").await;
        assert_eq!(preflight.status, 400, "no other origin may send the header: {preflight}");
        refresh(app, &cookie(&login)).await.ok();
    }

    async fn over_tls_the_cookie_is_secure(app) {
        app.db_admin("root").await;
        let login = log_in(app, "root", PASSWORD);
        let login = login.header("Host", "souk.example").header("Origin", "https://souk.example").await;
        login.ok();
        for name in ["souk-admin-refresh", "souk-admin-device"] {
            assert!(set_cookie(&login, name).contains("Secure"), "{name}");
        }
    }
}
