//! Provider profiles and catalogues: what every user reads, and what only owners change.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, TestApp};

/// The room's events, oldest first: `kind` and `data`.
async fn room_events(app: &TestApp, room: String) -> Vec<(String, Value)> {
    let events = app.db_events(&room).await;
    events
        .into_iter()
        .map(|event| (event.kind.to_string(), serde_json::from_str(event.data.get()).unwrap()))
        .collect()
}

fn shop(person: &Person) -> String {
    format!("/providers/{}", person.profile)
}

fn drain_cleaning() -> Value {
    json!({
        "name": "Drain cleaning",
        "category": "plumbing",
        "price": {"min": 4900, "max": 12900, "currency": "EUR"},
        "duration_minutes": 60,
    })
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
}

both_engines! {
    async fn everyone_signed_in_sees_a_shop_and_nobody_else(app) {
        let pavel = app.provider("pavel").await;
        let ana = app.consumer("ana").await;
        let seen = ana.get(&shop(&pavel)).await.ok();
        assert_eq!(seen["display_name"], "pavel");
        assert_eq!(seen["rating"], json!({"count": 0, "average": null}));
        assert_eq!(seen["allowed_actions"], json!([]));
        assert_eq!(pavel.get(&shop(&pavel)).await.ok()["allowed_actions"], json!(["edit", "stock"]));
        app.anyone().get(&shop(&pavel)).await.refused(401);
        ana.get(&format!("/providers/{}", ana.profile)).await.refused(404);
        ana.get("/providers/pavel").await.refused(404);
    }

    async fn an_owner_changes_the_profile_and_says_so_to_their_other_devices(app) {
        let pavel = app.provider("pavel").await;
        let changes = json!({
            "display_name": " Pavel & Söhne ",
            "categories": ["plumbing", "heating", "plumbing"],
            "service_area": {"centre": {"latitude": 52.5, "longitude": 13.4}, "radius_km": 25},
        });
        let changed = pavel.patch(&format!("{}/profile", shop(&pavel)), changes).await;
        assert_eq!(changed.etag(), "\"2\"");
        let changed = changed.ok();
        assert_eq!(changed["display_name"], "Pavel & Söhne");
        assert_eq!(changed["categories"], json!(["heating", "plumbing"]));
        assert_eq!(changed["service_area"]["radius_km"], 25.0);
        assert_eq!(pavel.get(&shop(&pavel)).await.ok(), changed);
        assert_eq!(pavel.get(&format!("{}/profile", shop(&pavel))).await.ok(), changed);

        // Null removes a value; an absent field is unchanged; an update without an effect is no change.
        let taken_back = pavel.patch(&shop(&pavel), json!({"service_area": null})).await.ok();
        assert_eq!((&taken_back["service_area"], &taken_back["version"]), (&Value::Null, &json!(3)));
        assert_eq!(taken_back["categories"], json!(["heating", "plumbing"]));
        assert_eq!(pavel.patch(&shop(&pavel), json!({"service_area": null})).await.ok()["version"], 3);

        let told = room_events(app, format!("user:{}", pavel.id)).await;
        let profile = ("provider.updated".to_owned(), json!({"provider_id": pavel.profile, "part": "profile"}));
        assert_eq!(told, [profile.clone(), profile]);
    }

    async fn an_update_does_not_overwrite_what_its_caller_has_not_seen(app) {
        let pavel = app.provider("pavel").await;
        let seen = pavel.get(&shop(&pavel)).await;
        pavel.patch(&shop(&pavel), json!({"bio": "first"})).if_match(seen.etag()).await.ok();
        let late = pavel.patch(&shop(&pavel), json!({"bio": "second"})).if_match(seen.etag()).await;
        assert_eq!(late.refused(412)["code"], "stale");
        let now = pavel.get(&shop(&pavel)).await;
        assert_eq!(now.ok()["bio"], "first");
        assert_eq!(pavel.get(&shop(&pavel)).header("If-None-Match", now.etag()).await.status, 304);
        pavel.patch(&shop(&pavel), json!({"bio": "second"})).if_match("*").await.ok();
    }

    async fn everything_wrong_with_a_profile_is_said_at_once(app) {
        let pavel = app.provider("pavel").await;
        let wrong = json!({
            "display_name": "",
            "bio": "b".repeat(2001),
            "categories": ["Plumbing!"],
            "service_area": {"centre": {"latitude": 91, "longitude": 0}, "radius_km": 1},
        });
        let problem = pavel.patch(&shop(&pavel), wrong).await.refused(422);
        assert_eq!(fields(&problem), ["display_name", "bio", "categories", "service_area"]);
        let unknown = pavel.patch(&shop(&pavel), json!({"rating": 5})).await.refused(422);
        assert_eq!(fields(&unknown), ["rating"]);
        assert_eq!(pavel.get(&shop(&pavel)).await.ok()["version"], 1);
    }

    async fn shops_are_listed_by_market_in_pages(app) {
        let ana = app.consumer("ana").await;
        for (name, category) in [("pavel", "plumbing"), ("rita", "painting"), ("tom", "plumbing")] {
            let person = app.provider(name).await;
            person.patch(&shop(&person), json!({"categories": [category]})).await.ok();
        }
        let names = |page: &Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|shop| shop["display_name"].as_str().unwrap().into()).collect()
        };
        assert_eq!(names(&ana.get("/providers").await.ok()), ["tom", "rita", "pavel"]);
        let first = ana.get("/providers?category=plumbing&limit=1").await.ok();
        assert_eq!(names(&first), ["tom"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = ana.get(&format!("/providers?category=plumbing&limit=1&cursor={cursor}")).await.ok();
        assert_eq!((names(&second), &second["next_cursor"]), (vec!["pavel".to_owned()], &Value::Null));
        ana.get("/providers?category=No+Such").await.refused(422);
        ana.get("/providers?limit=0").await.refused(422);
        ana.get("/providers?cursor=x").await.refused(422);
    }

    async fn an_owner_stocks_the_shop_with_services(app) {
        let (pavel, ana) = (app.provider("pavel").await, app.consumer("ana").await);
        let services = format!("{}/services", shop(&pavel));
        let added = pavel.post(&services, drain_cleaning()).key("k1").await;
        let again = pavel.post(&services, drain_cleaning()).key("k1").await;
        assert_eq!((added.status, added.ok()), (again.status, again.ok()), "the same key is the same deed");
        let one = added.header("location").unwrap().to_owned();
        assert_eq!(ana.get(&one).await.ok()["price"], json!({"min": 4900, "max": 12900, "currency": "EUR"}));

        let dearer = json!({"price": {"min": 5900, "max": 12900, "currency": "EUR"}});
        let changed = pavel.patch(&one, dearer).if_match(added.etag()).await.ok();
        assert_eq!((&changed["price"]["min"], &changed["name"]), (&json!(5900), &json!("Drain cleaning")));
        assert_eq!(ana.get(&services).await.ok()["items"].as_array().unwrap().len(), 1);

        pavel.delete(&one).if_match(added.etag()).await.refused(412);
        assert_eq!(pavel.delete(&one).await.status, 204);
        pavel.get(&one).await.refused(404);
        assert_eq!(ana.get(&services).await.ok()["items"], json!([]));
    }

    async fn a_service_costs_something_and_takes_its_time(app) {
        let pavel = app.provider("pavel").await;
        let mut wrong = drain_cleaning();
        wrong["price"] = json!({"min": 2, "max": 1, "currency": "EUR"});
        wrong["duration_minutes"] = json!(0);
        wrong["name"] = json!("two\nlines");
        let problem = pavel.post(&format!("{}/services", shop(&pavel)), wrong).await.refused(422);
        assert_eq!(fields(&problem), ["name", "price", "duration_minutes"]);
    }

    async fn templates_are_for_their_owners_eyes(app) {
        let (pavel, rita) = (app.provider("pavel").await, app.provider("rita").await);
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let templates = format!("{}/templates", shop(&pavel));
        let text = json!({"title": "Standard", "message": "I can come.", "price": {"amount": 4900, "currency": "EUR"}});
        let one = pavel.post(&templates, text.clone()).await;
        let one = one.header("location").unwrap();
        for stranger in [&rita, &ana] {
            stranger.get(&templates).await.refused(403);
            stranger.get(one).await.refused(403);
            stranger.post(&templates, text.clone()).await.refused(403);
            stranger.patch(one, json!({"title": "Mine"})).await.refused(403);
            stranger.delete(one).await.refused(403);
        }
        assert_eq!(root.get(one).await.ok()["title"], "Standard");
        assert_eq!(pavel.patch(one, json!({"message": " "})).await.refused(422)["errors"][0]["field"], "message");
        assert_eq!(pavel.get(&templates).await.ok()["items"][0]["message"], "I can come.");
    }

    async fn a_portfolio_keeps_its_order(app) {
        let (pavel, ana) = (app.provider("pavel").await, app.consumer("ana").await);
        let portfolio = format!("{}/portfolio", shop(&pavel));
        let mut addresses = Vec::new();
        for (caption, position) in [("b", 2), ("a", 1), ("c", 2)] {
            let photo = pavel.post(&portfolio, json!({"caption": caption, "position": position})).await;
            addresses.push(photo.header("location").unwrap().to_owned());
        }
        let mut captions = Vec::new();
        let mut next = format!("{portfolio}?limit=1");
        loop {
            let page = ana.get(&next).await.ok();
            captions.push(page["items"][0]["caption"].as_str().unwrap().to_owned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{portfolio}?limit=1&cursor={cursor}");
        }
        assert_eq!(captions, ["a", "b", "c"]);
        pavel.patch(&addresses[2], json!({"position": 0})).await.ok();
        assert_eq!(ana.get(&portfolio).await.ok()["items"][0]["caption"], "c");
        assert_eq!(pavel.delete(&addresses[0]).await.status, 204);
        pavel.patch(&addresses[1], json!({"position": -1})).await.refused(422);
    }

    async fn nobody_changes_anothers_shop_and_an_admin_does_it_on_the_record(app) {
        let (pavel, rita) = (app.provider("pavel").await, app.provider("rita").await);
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let services = format!("{}/services", shop(&pavel));
        let one = pavel.post(&services, drain_cleaning()).await;
        let one = one.header("location").unwrap();
        let before = (pavel.get(&shop(&pavel)).await.text, pavel.get(one).await.text);
        for stranger in [&rita, &ana] {
            let refusal = stranger.patch(&shop(&pavel), json!({"bio": "x"})).await.refused(403);
            assert_eq!(refusal["detail"], "to edit this provider you must be its owner");
            stranger.post(&services, drain_cleaning()).await.refused(403);
            stranger.patch(one, json!({"name": "x"})).await.refused(403);
            stranger.delete(one).await.refused(403);
        }
        assert_eq!((pavel.get(&shop(&pavel)).await.text, pavel.get(one).await.text), before);
        // A service is found under its own provider only.
        let elsewhere = one.replace(&pavel.profile, &rita.profile);
        rita.get(&elsewhere).await.refused(404);

        root.patch(&shop(&pavel), json!({"bio": "kept clean"})).await.ok();
        let trail = app.db_audit("provider", &pavel.profile).await;
        assert_eq!(trail.iter().filter(|row| row.as_str() == "admin edit").count(), 1);
        assert_eq!(trail.iter().filter(|row| row.as_str() == "refused edit").count(), 2);
    }
}
