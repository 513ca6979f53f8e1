//! Every error is a problem document that says what to do, and readable for pages of an allowed origin.

use reqwest::Method;

use crate::both_engines;
use crate::support::{Answer, TestApp};

const ORIGIN: &str = "https://app.example";

/// The `detail` of a problem document; panics if the response is not one.
#[track_caller]
fn detail(answer: &Answer, status: u16) -> String {
    let problem = answer.refused(status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
    assert_eq!(problem["status"], status, "{answer}");
    problem["detail"].as_str().unwrap_or_else(|| panic!("no detail: {answer}")).to_owned()
}

async fn preflight(app: &TestApp, origin: &str, method: &str, headers: &str) -> Answer {
    let call = app.anyone().call(Method::OPTIONS, "/requests");
    let call = call.header("Origin", origin).header("Access-Control-Request-Method", method);
    call.header("Access-Control-Request-Headers", headers).await
}

both_engines! {
    async fn a_token_is_revoked_by_form_and_by_json_and_by_nothing_else(app with ["--body-max=1KiB"]) {
        let revoke = |media: &str, body: &str| app.anyone().call(Method::POST, "/auth/revoke").body(media, body);
        const FORM: &str = "application/x-www-form-urlencoded";
        assert_eq!(revoke(FORM, "token=x&token_type_hint=access_token").await.status, 200);
        assert_eq!(revoke("application/x-www-form-urlencoded; charset=utf-8", "token=x").await.status, 200);
        assert_eq!(revoke("application/json", r#"{"token":"x"}"#).await.status, 200);

        let other = detail(&revoke("text/plain", "token=x").await, 415);
        assert!(other.contains(FORM) && other.contains("application/json"), "{other}");
        detail(&app.anyone().call(Method::POST, "/auth/revoke").await, 400);
        detail(&revoke("application/json", "{").await, 400);
        let problem = revoke(FORM, "hint=x").await.refused(422);
        assert_eq!(problem["errors"][0]["message"], "missing field `token`");
        detail(&revoke(FORM, &format!("token={}", "x".repeat(2000))).await, 413);
        detail(&revoke("application/json", &format!(r#"{{"token":"{}"}}"#, "x".repeat(2000))).await, 413);
    }

    async fn a_page_that_may_not_call_is_told_which_setting_lets_it(app with ["--allowed-origins", ORIGIN]) {
        let refused = detail(&preflight(app, "https://other.example", "GET", "authorization").await, 400);
        assert_eq!(refused, "origin https://other.example is not among SOUK_ALLOWED_ORIGINS");
        let refused = detail(&preflight(app, ORIGIN, "TRACE", "authorization").await, 400);
        assert_eq!(refused, "pages may not call with the method TRACE");
        let refused = detail(&preflight(app, ORIGIN, "GET", "x-odd").await, 400);
        assert_eq!(refused, "pages may not send the header x-odd");
        let welcome = preflight(app, ORIGIN, "PATCH", "authorization, if-match, idempotency-key").await;
        assert_eq!((welcome.status, welcome.header("access-control-allow-origin")), (200, Some(ORIGIN)));
    }

    async fn a_page_that_may_call_can_read_what_is_wrong(
        app with ["--allowed-origins", ORIGIN, "--anonymous-requests=5", "--body-max=1KiB"]
    ) {
        let anyone = app.anyone();
        let from = |call: crate::support::Call| call.header("Origin", ORIGIN);
        let json = "application/json";
        for (call, status) in [
            (anyone.get("/nowhere"), 404),
            (anyone.get("/bookings"), 401),
            (anyone.call(Method::PUT, "/auth/token"), 405),
            (anyone.call(Method::POST, "/auth/token").body(json, &"x".repeat(2000)), 413),
            (anyone.call(Method::POST, "/auth/token").body("text/plain", "x"), 415),
            (anyone.get("/nowhere"), 429),
        ] {
            let answer = from(call).await;
            detail(&answer, status);
            assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{answer}");
            assert_eq!(answer.header("allow").is_some(), status == 405, "{answer}");
        }
    }

    async fn what_the_framework_refuses_is_a_problem_too(app) {
        let broken = app.anyone().call(Method::POST, "/auth/token").body("application/json", "not gzip");
        detail(&broken.header("Content-Encoding", "gzip").await, 400);
        let brewed = app.anyone().call(Method::from_bytes(b"BREW").unwrap(), "/auth/token").await;
        detail(&brewed, 405);
        assert_eq!(brewed.header("allow"), Some("POST"));
    }
}
