//! What admins see of one person: deals, and what is used of the plan.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, id};

/// The ids that a list has.
async fn ids(who: &Client, path: &str) -> Vec<String> {
    let list = who.get(path).await.ok();
    list["items"].as_array().unwrap().iter().map(|row| id(row).to_owned()).collect()
}

both_engines! {
    async fn deals_are_listed_by_user_for_admins(app) {
        let root = app.db_admin("root").await;
        let (ana, carl) = (app.consumer("ana").await, app.consumer("carl").await);
        let (ben, cleo) = (app.provider("ben").await, app.provider("cleo").await);
        let (hers, his) = (app.request(&ana).await, app.request(&carl).await);
        let offer = app.offer(&ben, &hers).await;
        app.offer(&cleo, &his).await;
        app.accept(&ana, &offer).await;
        let booking = ids(&ana, "/bookings").await;

        assert_eq!(ids(&root, "/requests").await.len(), 2);
        assert_eq!(ids(&root, &format!("/requests?user_id={}", ana.id)).await, [id(&hers)]);
        assert_eq!(ids(&root, &format!("/requests?user_id={}&state=open", ana.id)).await, [""; 0]);
        for party in [&ana, &ben] {
            assert_eq!(ids(&root, &format!("/offers?user_id={}", party.id)).await, [id(&offer)]);
            assert_eq!(ids(&root, &format!("/bookings?user_id={}", party.id)).await, booking);
        }
        assert_eq!(ids(&root, &format!("/offers?user_id={}&state=pending", ben.id)).await, [""; 0]);
        assert_eq!(ids(&root, &format!("/bookings?user_id={}", cleo.id)).await, [""; 0]);
        let audit = root.get("/admin/audit?kind=offer&action=list").await.ok();
        let details: Vec<&Value> =
            audit["items"].as_array().unwrap().iter().map(|entry| &entry["detail"]).collect();
        assert!(details.contains(&&json!(format!("of user {}", ben.id))), "{details:?}");
        for list in ["/requests", "/offers", "/bookings"] {
            ana.get(&format!("{list}?user_id={}", carl.id)).await.refused(403);
            root.get(&format!("{list}?user_id=7")).await.refused(422);
        }
    }

    async fn what_a_user_has_used_of_the_plan_is_shown_to_admins(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let _live = ana.live().await;
        let path = format!("/admin/users/{}/limits", ana.id);
        let limits = root.get(&path).await.ok();
        let own = ana.get("/me/limits").await.ok();
        assert_eq!(
            (limits["plan"].clone(), limits["connections"]["used"].clone()),
            (json!("free"), json!(1))
        );
        for limit in
            ["connections", "simulations", "messages_per_day", "plans_per_day", "simulations_per_day"]
        {
            assert_eq!(limits[limit], own[limit], "{limit}");
        }
        ana.get(&path).await.refused(403);
        root.get("/admin/users/01890a5d-ac96-774b-bcce-b302099a8057/limits").await.refused(404);
    }
}
