//! Administration.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{PASSWORD, Person, TestApp, id};

fn path(who: &Person, rest: &str) -> String {
    format!("/admin/users/{}{rest}", who.id)
}

async fn log_in(app: &TestApp, who: &Person) -> Value {
    let form = json!({"email": who.email, "password": PASSWORD});
    app.anyone().post("/auth/token", form).await.json()
}

fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list["items"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap_or("null")).collect()
}

both_engines! {
    async fn users_are_found_by_the_beginning_of_their_address(app) {
        let root = app.db_admin("root").await;
        for name in ["ana", "ana_b", "anasb", "ben"] {
            app.consumer(name).await;
        }
        let found = async |part: &str| {
            let list = root.get(&format!("/admin/users?email={part}")).await.ok();
            column(&list, "email").iter().map(|email| email.split('@').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("ANA").await, ["anasb", "ana_b", "ana"], "newest first, whatever the case");
        assert_eq!(found("ana_").await, ["ana_b"], "no pattern, but what it says");
        assert_eq!(found("%25").await, [""; 0]);
        assert_eq!(found("na").await, [""; 0], "only the beginning counts");
        let first = root.get("/api/v1/admin/users?limit=2").await.ok();
        assert_eq!(column(&first, "email"), ["ben@example.com", "anasb@example.com"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = root.get(&format!("/admin/users?limit=2&cursor={cursor}")).await.ok();
        assert_eq!(column(&second, "email"), ["ana_b@example.com", "ana@example.com"]);
    }

    async fn a_suspension_has_a_reason_and_is_undone(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        root.post(&path(&ana, "/suspend"), json!({})).await.refused(422);
        let suspend = || root.post(&path(&ana, "/suspend"), json!({"reason": "spam"})).key("once");
        let first = suspend().await;
        assert_eq!(first.ok()["is_active"], false);
        assert_eq!(suspend().await.text, first.text, "the same call again");
        root.post(&path(&ana, "/suspend"), json!({"reason": "more spam"})).await.ok();
        assert_eq!(log_in(app, &ana).await["status"], 401);
        assert_eq!(root.get(&path(&ana, "")).await.ok()["is_active"], false);
        for _ in 0..2 {
            assert_eq!(root.post(&path(&ana, "/reinstate"), Value::Null).await.ok()["is_active"], true);
        }
        ana.get("/auth/me").await.refused(401);
        assert!(log_in(app, &ana).await["access_token"].is_string());
        let deeds = app.db_audit("user", &ana.id).await;
        let deeds: Vec<_> = deeds.iter().filter(|deed| deed.starts_with("done")).collect();
        assert_eq!(deeds, ["done suspend", "done reinstate"], "what changed something, each once");
        let row = format!("/admin/audit?kind=user&row={}&outcome=done", ana.id);
        assert_eq!(column(&root.get(&row).await.ok(), "detail"), ["null", "spam"]);
    }

    async fn the_last_admin_stays(app) {
        let root = app.db_admin("root").await;
        let [suspend, demote] = [json!({"reason": "tired"}), json!({"role": "consumer"})];
        for _ in 0..2 {
            let refused = root.post(&path(&root, "/suspend"), suspend.clone()).await.refused(409);
            assert_eq!(refused["code"], "last_admin");
            assert_eq!(root.put(&path(&root, "/role"), demote.clone()).await.refused(409)["code"], "last_admin");
        }
        let mara = app.db_admin("mara").await;
        root.post(&path(&root, "/suspend"), suspend).await.ok();
        root.get("/admin/users").await.refused(401);
        assert_eq!(mara.put(&path(&mara, "/role"), demote).await.refused(409)["code"], "last_admin");
    }

    async fn admins_who_suspend_one_another_leave_one(app) {
        let mut one = app.db_admin("root").await;
        for round in 0..5 {
            let other = app.db_admin(&format!("other{round}")).await;
            let reason = json!({"reason": "you or me"});
            let (by_one, by_other) = tokio::join!(
                one.post(&path(&other, "/suspend"), reason.clone()).into_future(),
                other.post(&path(&one, "/suspend"), reason).into_future(),
            );
            let mut ends = [by_one.status, by_other.status];
            ends.sort_unstable();
            assert!(matches!(ends, [200, 401 | 409]), "{by_one} {by_other}");
            one = if by_one.status == 200 { one } else { other };
            let alone = one.put(&path(&one, "/role"), json!({"role": "consumer"})).await.refused(409);
            assert_eq!(alone["code"], "last_admin");
        }
    }

    async fn a_role_and_a_plan_are_changed_as_they_were_seen(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let seen = root.get(&path(&ana, "")).await;
        assert!(seen.ok()["consumer_id"].is_string());
        let changed = root.put(&path(&ana, "/plan"), json!({"plan": "pro"})).if_match(seen.etag()).await;
        assert_eq!(changed.ok()["plan"], "pro");
        assert_eq!(ana.get("/auth/me").await.ok()["plan"], "pro", "a plan ends nothing");
        let stale = root.put(&path(&ana, "/role"), json!({"role": "provider"})).if_match(seen.etag()).await;
        stale.refused(412);
        let changed = root.put(&path(&ana, "/role"), json!({"role": "provider"})).if_match(changed.etag()).await;
        assert_eq!(changed.ok()["role"], "provider");
        ana.get("/auth/me").await.refused(401);
        assert!(root.get(&path(&ana, "")).await.ok()["provider_id"].is_string());
        let row = format!("/admin/audit?kind=user&row={}&outcome=done", ana.id);
        assert_eq!(column(&root.get(&row).await.ok(), "detail"), ["consumer to provider", "free to pro"]);
        root.put(&path(&ana, "/plan"), json!({"plan": "gold"})).await.refused(422);
    }

    async fn of_many_changes_to_the_version_that_all_saw_one_is_made(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let change = |change: usize, etag: &str| {
            let call = match change % 3 {
                0 => root.put(&path(&ana, "/plan"), json!({"plan": "pro"})),
                1 => root.put(&path(&ana, "/plan"), json!({"plan": "enterprise"})),
                _ => root.put(&path(&ana, "/role"), json!({"role": "provider"})),
            };
            call.if_match(etag).into_future()
        };
        let answers = join_all((0..12).map(|n| change(n, "\"1\""))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1, "{answers:?}");
        lost.iter().for_each(|answer| assert_eq!(answer.refused(412)["code"], "stale"));
        assert_eq!(root.get(&path(&ana, "")).await.ok()["version"], 2);

        let suspensions = (0..6).map(|n| {
            let verb = if n % 2 == 0 { "suspend" } else { "reinstate" };
            root.post(&path(&ana, &format!("/{verb}")), json!({"reason": "in turns"})).into_future()
        });
        for answer in join_all(suspensions).await {
            answer.ok();
        }
        let after = root.get(&path(&ana, "")).await.ok();
        let deeds = app.db_audit("user", &ana.id).await;
        let deeds = deeds.iter().filter(|deed| deed.starts_with("done")).count();
        assert_eq!(after["version"], json!(deeds + 1), "each change that was made has a version of its own");
    }

    async fn a_key_is_for_one_version(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let change = |etag| root.put(&path(&ana, "/plan"), json!({"plan": "pro"})).if_match(etag).key("once");
        let first = change("\"1\"").await;
        assert_eq!(first.ok()["version"], 2);
        assert_eq!(change("\"1\"").await.text, first.text, "the same call again");
        assert_eq!(change("\"2\"").await.refused(422)["code"], "idempotency_key_reused");
        let without = root.put(&path(&ana, "/plan"), json!({"plan": "pro"})).key("once").await;
        assert_eq!(without.refused(422)["code"], "idempotency_key_reused");
    }

    async fn live_connections_are_seen_and_closed(app) {
        let (root, ana, ben) = (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let (mut first, mut second) = (ana.live().await, ana.live().await);
        let mut other = ben.live().await;
        other.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        let all = root.get("/admin/sessions").await.ok();
        assert_eq!(column(&all, "user_id"), [&ben.id, &ana.id, &ana.id]);
        let newest = &all["items"][0];
        assert_eq!((&newest["endpoint"], &newest["address"], &newest["rooms"]),
            (&json!("ws"), &json!("127.0.0.1"), &json!(2)));
        assert_eq!((&newest["user_role"], &newest["dialect"], &newest["waiting_bytes"]),
            (&json!("provider"), &json!("json"), &json!(0)));
        let node = newest["node_id"].as_str().unwrap_or("01900000-0001-7000-8000-000000000000");
        let of_node = root.get(&format!("/admin/sessions?node_id={node}")).await.ok();
        // A server alone on its database has no name, and any other has nothing here.
        let expected = if newest["node_id"].is_null() { 0 } else { 3 };
        assert_eq!(of_node["items"].as_array().unwrap().len(), expected);
        root.get("/admin/sessions?node_id=x").await.refused(422);
        assert!(newest["since"].is_string() && newest["last_seen_at"].is_string() && newest["login_id"].is_string());
        assert_eq!(root.get(&path(&ana, "")).await.ok()["connections"], 2);
        let hers = root.get(&format!("/admin/sessions?user_id={}&limit=1", ana.id)).await.ok();
        let victim = id(&hers["items"][0]);
        assert!(hers["next_cursor"].is_string());
        root.get("/admin/sessions?user_id=x").await.refused(422);

        let close = format!("/admin/sessions/{victim}");
        ben.delete(&close).await.refused(403);
        assert_eq!(root.delete(&close).await.status, 204);
        let notice = second.recv("disconnecting").await;
        assert_eq!((&notice["reason"], &notice["reconnect_in_ms"]), (&json!("closed_by_admin"), &json!(5000)));
        assert_eq!(second.closed().await.code, 4008);
        root.delete(&close).await.refused(404);
        first.send(json!({"type": "ping"})).await;
        first.recv("pong").await;
        let hers = root.get(&format!("/admin/sessions?user_id={}", ana.id)).await.ok();
        assert_eq!(hers["items"].as_array().unwrap().len(), 1, "who is on the way out is not listed");
        let trail = app.db_audit("connection", victim).await;
        assert_eq!(trail, ["refused close", "admin close", "admin close"]);
    }

    async fn rooms_are_counted_and_private_ones_only_counted(app) {
        let (root, ben) = (app.db_admin("root").await, app.provider("ben").await);
        let mut live = ben.live().await;
        live.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        let rooms = root.get("/admin/rooms").await.ok();
        assert_eq!((&rooms["connections"], &rooms["users"]), (&json!(1), &json!(1)));
        let mut names = column(&rooms, "room");
        names.sort_unstable();
        assert_eq!(names, ["market:plumbing".to_owned(), format!("user:{}", ben.id)]);
        let members = async |room: &str| root.get(&format!("/admin/rooms/{room}/members")).await.ok();
        let market = members("market:plumbing").await;
        assert_eq!((&market["users"], &market["members"]), (&json!(1), &json!([ben.id])));
        let own = members(&format!("user:{}", ben.id)).await;
        assert_eq!((&own["users"], &own["members"]), (&json!(1), &Value::Null));
        assert_eq!(members("market:painting").await["users"], 0);
        root.get("/admin/rooms/nowhere:1/members").await.refused(404);
    }

    async fn logins_and_tokens_of_others_are_ended(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let of = |tokens: &Value| app.with_token(tokens["access_token"].as_str().unwrap());
        let [first, second, third, fourth] = [(); 4].map(|()| log_in(app, &ana));
        let [first, second, third, fourth] = [first.await, second.await, third.await, fourth.await];
        let login = claim(&first, "sid");
        for _ in 0..2 {
            assert_eq!(root.delete(&format!("/admin/logins/{login}")).await.status, 204);
        }
        of(&first).get("/auth/me").await.refused(401);
        root.delete("/admin/logins/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);

        let revoke = async |body: Value| root.post("/admin/tokens/revoke", body).await.status;
        let mut live = app.person(second["access_token"].as_str().unwrap()).await.live().await;
        assert_eq!(revoke(json!({"token": second["access_token"]})).await, 204);
        assert_eq!(live.recv("disconnecting").await["reason"], "token_revoked");
        of(&second).get("/auth/me").await.refused(401);
        assert_eq!(revoke(json!({"token": third["refresh_token"]})).await, 204);
        of(&third).get("/auth/me").await.refused(401);
        let jti = claim(&fourth, "jti");
        for issuer in ["https://elsewhere.example", "souk"] {
            of(&fourth).get("/auth/me").await.ok();
            assert_eq!(revoke(json!({"jti": jti, "issuer": issuer})).await, 204);
        }
        of(&fourth).get("/auth/me").await.refused(401);
        assert_eq!(app.db_audit("token", &jti).await, ["admin revoke", "admin revoke"]);
        let own = log_in(app, &ana).await;
        for _ in 0..2 {
            app.anyone().post("/auth/revoke", json!({"token": own["access_token"]})).await.ok();
        }
        assert_eq!(app.db_audit("token", &claim(&own, "jti")).await, ["done revoke"], "once is enough");
        for wrong in [json!({}), json!({"jti": ""}), json!({"token": "x"}), json!({"token": "x", "jti": "y"})] {
            assert_eq!(revoke(wrong.clone()).await, 422, "{wrong}");
        }
        app.clock.advance(Duration::from_secs(1_000));
        let fifth = log_in(app, &ana).await;
        let mut live = app.person(fifth["access_token"].as_str().unwrap()).await.live().await;
        assert_eq!(root.post(&path(&ana, "/log-out"), Value::Null).await.status, 204);
        assert_eq!(live.closed().await.code, 4001);
        of(&fifth).get("/auth/me").await.refused(401);
        let again = json!({"refresh_token": fifth["refresh_token"]});
        app.anyone().post("/auth/refresh", again).await.refused(401);
    }

    async fn the_trail_is_read_by_who_did_what_to_what(app) {
        let (root, mara) = (app.db_admin("root").await, app.db_admin("mara").await);
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        root.put(&path(&ana, "/plan"), json!({"plan": "pro"})).await.ok();
        mara.put(&path(&ben, "/plan"), json!({"plan": "pro"})).await.ok();
        ben.put(&path(&ana, "/plan"), json!({"plan": "free"})).await.refused(403);
        let read = async |query: &str| {
            let list = root.get(&format!("/admin/audit?{query}")).await.ok();
            let items = list["items"].as_array().unwrap().clone();
            let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
            let lines = items.iter().map(|item| text(item, "outcome") + " " + &text(item, "action"));
            // Rows of one transaction have the same timestamp, and no order among them.
            let mut lines: Vec<String> = lines.collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(read(&format!("actor={}", mara.id)).await, ["admin change the plan of", "done change the plan of"]);
        let of_ana = read(&format!("kind=user&row={}", ana.id)).await;
        assert_eq!(of_ana, ["admin change the plan of", "done change the plan of", "refused change the plan of"]);
        assert_eq!(read(&format!("actor={}&outcome=refused", ben.id)).await, ["refused change the plan of"]);
        assert!(read("kind=audit%20trail").await.iter().all(|line| line == "admin read"));
        for wrong in ["kind=nothing", "actor=x", "outcome=x", "row=1", "cursor=x"] {
            root.get(&format!("/admin/audit?{wrong}")).await.refused(422);
        }
        let first = root.get("/admin/audit?limit=1").await.ok();
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = root.get(&format!("/admin/audit?limit=1&cursor={cursor}")).await.ok();
        assert!(id(&second["items"][0]) < id(&first["items"][0]));
        assert!(first["items"][0]["request_id"].is_string());
    }
}

/// A claim of an access token, unverified.
fn claim(tokens: &Value, name: &str) -> String {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let payload = tokens["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims[name].as_str().unwrap().to_owned()
}
