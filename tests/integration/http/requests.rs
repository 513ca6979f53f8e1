//! Requests, from draft to each final state.

use std::time::Duration;

use serde_json::{Value, json};
use souk::server::scheduler;

use crate::both_engines;
use crate::support::{ADDRESS, id, usual_request};

fn path(request: &Value) -> String {
    format!("/requests/{}", id(request))
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
}

both_engines! {
    async fn a_request_comes_into_the_market_without_its_address(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let created = ana.post("/requests", usual_request()).await;
        let request = created.ok();
        assert_eq!((created.status, created.header("location")), (201, Some(path(&request).as_str())));
        assert_eq!((created.etag(), &request["state"], &request["revision"]), ("\"1\"", &json!("open"), &json!(1)));
        assert_eq!(request["allowed_actions"], json!(["edit", "extend", "cancel"]));
        assert_eq!(ana.get(&path(&request)).await.ok(), request);

        let seen = pavel.get(&path(&request)).await.ok();
        assert_eq!((&seen["address"], &seen["allowed_actions"]), (&Value::Null, &json!([])));
        assert_eq!(seen["point"], json!({"latitude": 52.53, "longitude": 13.4}));
        let market = app.db_events("market:plumbing").await;
        assert_eq!(market.len(), 1);
        assert_eq!(&*market[0].kind, "request.published");
        assert!(!market[0].data.get().contains(ADDRESS));
        assert_eq!(app.db_kinds(&format!("user:{}", ana.id)).await, ["request.published"]);
    }

    async fn only_a_consumer_asks_for_work(app) {
        let (pavel, root) = (app.provider("pavel").await, app.db_admin("root").await);
        for other in [&pavel, &root] {
            other.post("/requests", usual_request()).await.refused(403);
        }
        app.anyone().post("/requests", usual_request()).await.refused(401);
        assert_eq!(root.get("/requests").await.ok()["items"], json!([]), "nobody made one");
    }

    async fn all_that_is_wrong_with_a_request_is_said_at_once(app) {
        let ana = app.consumer("ana").await;
        let wrong = json!({
            "category": "No Slug", "title": " ", "budget": {"min": 5, "max": 4, "currency": "EUR"},
            "address": "", "point": {"latitude": 91, "longitude": 0}, "state": "draft", "expires_at": app.hours(1),
        });
        let problem = ana.post("/requests", wrong).await.refused(422);
        assert_eq!(fields(&problem), ["category", "title", "budget", "address", "point", "expires_at"]);
        for (field, value) in [("expires_at", app.hours(24 * 91)), ("wanted_at", json!("2020-01-01T00:00:00Z"))] {
            let mut late = usual_request();
            late[field] = value;
            assert_eq!(fields(&ana.post("/requests", late).await.refused(422)), [field]);
        }
        let mut unknown = usual_request();
        unknown["budget"]["currency"] = json!("XXX");
        assert_eq!(fields(&ana.post("/requests", unknown).await.refused(422)), ["budget"]);
    }

    async fn a_draft_is_its_owners_alone_until_it_is_published(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let mut draft = usual_request();
        draft["state"] = json!("draft");
        let draft = ana.post("/requests", draft).await.ok();
        assert_eq!((&draft["state"], &draft["expires_at"]), (&json!("draft"), &Value::Null));
        assert_eq!(draft["allowed_actions"], json!(["publish", "edit"]));
        pavel.get(&path(&draft)).await.refused(403);
        let answer = format!("{}/offers", path(&draft));
        pavel.post(&answer, app.usual_offer(100)).await.refused(403);
        assert!(app.db_events("market:plumbing").await.is_empty());

        let publish = format!("{}/publish", path(&draft));
        pavel.post(&publish, Value::Null).await.refused(403);
        let end = app.hours(48);
        let open = ana.post(&publish, json!({"expires_at": end})).await.ok();
        assert_eq!((&open["state"], &open["expires_at"], &open["version"]), (&json!("open"), &end, &json!(2)));
        assert_eq!(ana.post(&publish, Value::Null).await.ok(), open, "it is open already");
        pavel.get(&path(&draft)).await.ok();
        assert_eq!(app.db_kinds("market:plumbing").await, ["request.published"]);
    }

    async fn an_edit_asks_live_offers_to_be_affirmed(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let edited = ana.patch(&path(&request), json!({"title": "Two taps drip"})).if_match("\"1\"").await.ok();
        assert_eq!((&edited["revision"], &edited["version"]), (&json!(1), &json!(2)), "nobody offered yet");

        let offer = app.offer(&pavel, &request).await;
        let edit = json!({"title": "Three taps drip", "address": null});
        let edited = ana.patch(&path(&request), edit).await.ok();
        assert_eq!((&edited["revision"], &edited["address"]), (&json!(2), &Value::Null));
        assert!(app.db_kinds(&format!("user:{}", pavel.id)).await.contains(&"request.edited".to_owned()));

        let offered = format!("/offers/{}", id(&offer));
        let seen = ana.get(&offered).await.ok();
        assert_eq!((&seen["is_outdated"], &seen["allowed_actions"]), (&json!(true), &json!(["decline"])));
        let accept = format!("{offered}/accept");
        let problem = ana.post(&accept, json!({"version": 1})).await.refused(409);
        assert_eq!((&problem["code"], &problem["current_state"]), (&json!("offer_outdated"), &json!("pending")));

        let affirmed = pavel.patch(&offered, json!({})).await.ok();
        assert_eq!((&affirmed["is_outdated"], &affirmed["version"]), (&json!(false), &json!(2)));
        assert_eq!(affirmed["price"], offer["price"]);
        assert_eq!(ana.post(&accept, json!({"version": 1})).await.refused(409)["code"], "stale_version");
        ana.post(&accept, json!({"version": 2})).await.ok();
    }

    async fn an_edit_overwrites_nothing_that_was_not_seen(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        ana.patch(&path(&request), json!({"title": "Two taps drip"})).if_match("\"1\"").await.ok();
        ana.patch(&path(&request), json!({"title": "Lost"})).if_match("\"1\"").await.refused(412);
        let same = ana.patch(&path(&request), json!({"title": "Two taps drip"})).await;
        assert_eq!(same.etag(), "\"2\"", "an edit that changes nothing is none");
        assert_eq!(app.db_kinds("market:plumbing").await, ["request.published", "request.edited"]);
        pavel.patch(&path(&request), json!({"title": "Mine"})).await.refused(403);
        let moved = ana.patch(&path(&request), json!({"category": "painting"})).await.ok();
        assert_eq!(moved["category"], "painting");
        assert_eq!(app.db_kinds("market:painting").await, ["request.edited"]);
    }

    async fn a_cancelled_request_takes_its_offers_along(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let offer = app.offer(&pavel, &request).await;
        let cancel = format!("{}/cancel", path(&request));
        pavel.post(&cancel, Value::Null).await.refused(403);
        let cancelled = ana.post(&cancel, Value::Null).await.ok();
        assert_eq!((&cancelled["state"], &cancelled["allowed_actions"]), (&json!("cancelled"), &json!([])));
        assert_eq!(pavel.get(&format!("/offers/{}", id(&offer))).await.ok()["state"], "not_selected");
        assert_eq!(ana.post(&cancel, Value::Null).await.ok(), cancelled, "again is no conflict");
        let problem = ana.patch(&path(&request), json!({"title": "Later"})).await.refused(409);
        assert_eq!((&problem["current_state"], &problem["allowed_actions"]), (&json!("cancelled"), &json!([])));
        let answer = format!("{}/offers", path(&request));
        assert_eq!(pavel.post(&answer, app.usual_offer(100)).await.refused(409)["current_state"], "cancelled");
        assert!(app.db_kinds(&format!("user:{}", pavel.id)).await.contains(&"offer.not_selected".to_owned()));
    }

    async fn time_is_over_when_it_is_over_however_late_the_sweeper(app with ["--sweep-interval=1h"]) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let mut short = usual_request();
        short["expires_at"] = app.hours(1);
        let (request, late) = (ana.post("/requests", short).await.ok(), app.request(&ana).await);
        let offer = app.offer(&pavel, &request).await;
        assert_eq!(offer["valid_until"], request["expires_at"], "never past the request's end");
        let token = app.db_token(&ana.email, Duration::from_secs(3 * 3600)).await;
        let pavels = app.db_token(&pavel.email, Duration::from_secs(3 * 3600)).await;
        app.clock.advance(Duration::from_secs(3601));
        let (ana, pavel) = (app.person(&token).await, app.person(&pavels).await);

        let expired = ana.get(&path(&request)).await.ok();
        assert_eq!((&expired["state"], &expired["allowed_actions"]), (&json!("expired"), &json!([])));
        assert_eq!(pavel.get(&format!("/offers/{}", id(&offer))).await.ok()["state"], "expired");
        let accept = ana.post(&format!("/offers/{}/accept", id(&offer)), json!({"version": 1})).await;
        assert_eq!(accept.refused(409)["current_state"], "expired");
        let answer = pavel.post(&format!("{}/offers", path(&request)), app.usual_offer(100)).await;
        assert_eq!(answer.refused(409)["current_state"], "expired");
        let extend = ana.post(&format!("{}/extend", path(&request)), Value::Null).await;
        assert_eq!(extend.refused(409)["current_state"], "expired");
        let listed = |person: crate::support::Person, list: &str| {
            let list = list.to_owned();
            async move { person.get(&list).await.ok()["items"].as_array().unwrap().clone() }
        };
        assert_eq!(id(&listed(ana.clone(), "/requests?state=expired").await[0]), id(&request));
        let market = listed(pavel.clone(), "/requests").await;
        assert_eq!((market.len(), id(&market[0])), (1, id(&late)));
        assert_eq!(listed(ana.clone(), "/offers?state=expired").await.len(), 1);
        assert!(listed(ana.clone(), "/offers?state=pending").await.is_empty());

        let swept = scheduler::sweep(&app.server).await.unwrap();
        assert_eq!((swept.requests, swept.offers), (1, 0), "the offer went with its request");
        assert_eq!(scheduler::sweep(&app.server).await.unwrap(), scheduler::Swept::default());
        assert_eq!(app.db_kinds("market:plumbing").await.last().unwrap(), "request.expired");
        assert_eq!(app.db_kinds(&format!("user:{}", pavel.id)).await.last().unwrap(), "offer.expired");
        assert_eq!(ana.get(&path(&request)).await.ok()["version"], 2);
    }

    async fn more_time_is_given_to_what_is_open(app) {
        let ana = app.consumer("ana").await;
        let request = app.request(&ana).await;
        let extend = format!("{}/extend", path(&request));
        let end = app.hours(24 * 20);
        assert_eq!(ana.post(&extend, json!({"expires_at": end})).await.ok()["expires_at"], end);
        for wrong in [app.hours(24 * 19), app.hours(24 * 91), json!("2020-01-01T00:00:00Z")] {
            let refused = ana.post(&extend, json!({"expires_at": wrong})).await.refused(422);
            assert_eq!(fields(&refused), ["expires_at"]);
        }
        assert_eq!(app.db_kinds("market:plumbing").await, ["request.published", "request.extended"]);
    }

    async fn an_admin_removes_and_restores_with_a_reason(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let root = app.db_admin("root").await;
        let request = app.request(&ana).await;
        let offer = app.offer(&pavel, &request).await;
        let (remove, restore) = (format!("{}/remove", path(&request)), format!("{}/restore", path(&request)));
        ana.post(&remove, json!({"reason": "mine"})).await.refused(403);
        assert_eq!(fields(&root.post(&remove, json!({"reason": " "})).await.refused(422)), ["reason"]);
        let removed = root.post(&remove, json!({"reason": "a duplicate"})).await.ok();
        assert_eq!((&removed["state"], &removed["allowed_actions"]), (&json!("removed"), &json!(["restore"])));
        assert_eq!(pavel.get(&format!("/offers/{}", id(&offer))).await.ok()["state"], "not_selected");
        assert_eq!(ana.get(&path(&request)).await.ok()["state"], "removed");
        let mut audit = app.db_audit("request", id(&request)).await;
        audit.sort();
        assert_eq!(audit, ["admin remove", "done remove", "refused remove"]);
        assert_eq!(root.post(&restore, json!({"reason": "it was none"})).await.ok()["state"], "open");
        app.offer(&pavel, &request).await;
    }

    async fn lists_are_paged_and_each_sees_their_own(app) {
        let (ana, eve, pavel) = (app.consumer("ana").await, app.consumer("eve").await, app.provider("pavel").await);
        let root = app.db_admin("root").await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(id(&app.request(&ana).await).to_owned());
        }
        ids.sort_by(|a, b| b.cmp(a));
        let mut painting = usual_request();
        painting["category"] = json!("painting");
        eve.post("/requests", painting).await.ok();

        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ana.get(&format!("/requests?limit=2{cursor}")).await.ok();
            seen.extend(page["items"].as_array().unwrap().iter().map(|request| id(request).to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ids);
        let count = async |person: &crate::support::Person, query: &str| {
            person.get(&format!("/requests{query}")).await.ok()["items"].as_array().unwrap().len()
        };
        assert_eq!(count(&eve, "").await, 1);
        assert_eq!((count(&pavel, "").await, count(&pavel, "?category=painting").await), (6, 1));
        assert_eq!((count(&root, "").await, count(&root, "?state=cancelled").await), (6, 0));
        assert_eq!(fields(&pavel.get("/requests?state=draft").await.refused(422)), ["state"]);
        assert_eq!(fields(&ana.get("/requests?state=x&category=Y").await.refused(422)), ["category", "state"]);
        assert_eq!(fields(&ana.get("/requests?limit=0").await.refused(422)), ["limit"]);
        assert_eq!(fields(&ana.get("/requests?cursor=x").await.refused(422)), ["cursor"]);
    }

    async fn the_same_key_asks_once(app) {
        let ana = app.consumer("ana").await;
        let first = ana.post("/requests", usual_request()).key("one").await;
        let again = ana.post("/requests", usual_request()).key("one").await;
        assert_eq!((again.status, again.json(), again.etag()), (201, first.ok(), first.etag()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(ana.get("/requests").await.ok()["items"].as_array().unwrap().len(), 1);
        let mut other = usual_request();
        other["title"] = json!("Another tap drips");
        assert_eq!(ana.post("/requests", other).key("one").await.refused(422)["code"], "idempotency_key_reused");
    }
}
