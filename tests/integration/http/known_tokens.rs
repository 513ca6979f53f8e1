//! Tokens that were checked a moment ago are known, and what ends or changes takes effect at the next request all
//! the same.

use serde_json::json;

use crate::both_engines;
use crate::support::{Client, Person, TestApp, eventually};

/// Lookups that ended so: `hit`, `miss` or `stale`.
async fn lookups(anyone: &Client, outcome: &str) -> u64 {
    let metrics = anyone.get("/metrics").await.text;
    let name = format!("souk_token_cache_lookups_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

/// Makes requests until one was answered without asking the database who asks.
async fn known(app: &TestApp, who: &Person) {
    let anyone = app.anyone();
    let before = lookups(&anyone, "hit").await;
    eventually(async || {
        who.get("/auth/me").await.ok();
        lookups(&anyone, "hit").await > before
    })
    .await;
}

both_engines! {
    async fn a_known_token_is_refused_at_the_first_request_after_its_end(app) {
        let root = app.db_admin("root").await;
        for end in ["log out", "revoke", "log out everywhere", "suspend", "role", "end the login"] {
            let ana = app.consumer(&format!("ana-{}", end.replace(' ', "-"))).await;
            known(app, &ana).await;
            let path = format!("/admin/users/{}", ana.id);
            match end {
                "log out" => ana.post("/auth/logout", json!({})).await.refused(204),
                "revoke" => ana.post("/auth/revoke", json!({"token": ana.token().unwrap()})).await.ok(),
                "log out everywhere" => root.post(&format!("{path}/log-out"), json!({})).await.refused(204),
                "suspend" => root.post(&format!("{path}/suspend"), json!({"reason": "spam"})).await.ok(),
                "role" => root.put(&format!("{path}/role"), json!({"role": "provider"})).await.ok(),
                _ => {
                    let logins = ana.get("/auth/sessions").await.ok();
                    let id = logins["items"][0]["id"].as_str().unwrap();
                    ana.delete(&format!("/auth/sessions/{id}")).await.refused(204)
                }
            };
            let refused = ana.get("/auth/me").await;
            assert_eq!(refused.status, 401, "{end}: {refused}");
        }
    }

    async fn a_plan_counts_from_the_next_request_on(app with ["--pro-requests", "54321"]) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        known(app, &ana).await;
        root.put(&format!("/admin/users/{}/plan", ana.id), json!({"plan": "pro"})).await.ok();
        let answer = ana.get("/auth/me").await;
        assert_eq!(answer.header("ratelimit-limit"), Some("54321"), "{answer}");
    }

    async fn no_token_is_kept_where_none_may_be(app with ["--token-cache", "0"]) {
        let ana = app.consumer("ana").await;
        for _ in 0..5 {
            ana.get("/auth/me").await.ok();
        }
        assert_eq!(lookups(&app.anyone(), "hit").await, 0);
    }
}
