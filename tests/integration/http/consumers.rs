//! Consumer profiles, which only their owners may read.

use serde_json::{Value, json};

use crate::both_engines;

both_engines! {
    async fn a_consumer_keeps_their_profile(app) {
        let ana = app.consumer("ana").await;
        let mine = format!("/consumers/{}", ana.profile);
        let seen = ana.get(&mine).await;
        assert_eq!(seen.ok()["display_name"], "ana");
        let home = json!({"address": "Torstr. 1", "point": {"latitude": 52.53, "longitude": 13.4}});
        let moved = ana.patch(&mine, home).if_match(seen.etag()).await.ok();
        assert_eq!((&moved["address"], &moved["version"]), (&json!("Torstr. 1"), &json!(2)));
        let private = ana.patch(&mine, json!({"address": null, "point": null})).await.ok();
        assert_eq!((&private["address"], &private["point"]), (&Value::Null, &Value::Null));
        ana.patch(&mine, json!({"display_name": "Ana"})).if_match(seen.etag()).await.refused(412);
        let wrong = json!({"display_name": " ", "address": "", "point": {"latitude": 0, "longitude": 181}});
        assert_eq!(ana.patch(&mine, wrong).await.refused(422)["errors"].as_array().unwrap().len(), 3);
    }

    async fn nobody_else_sees_it_but_an_admin(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let (pavel, root) = (app.provider("pavel").await, app.db_admin("root").await);
        let hers = format!("/consumers/{}", ana.profile);
        for stranger in [&eve, &pavel] {
            stranger.get(&hers).await.refused(403);
            stranger.patch(&hers, json!({"display_name": "x"})).await.refused(403);
        }
        app.anyone().get(&hers).await.refused(401);
        assert_eq!(root.get(&hers).await.ok()["display_name"], "ana");
        assert_eq!(app.db_audit("consumer", &ana.profile).await.last().map(String::as_str), Some("admin read"));
    }
}
