//! Why somebody may or may not do something, and trying it out without doing it.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, Person, Socket, id};

/// The answer for a user and an action.
async fn explained(root: &Client, who: &Person, action: &str, kind: &str, row: &str) -> Value {
    let query = format!("user_id={}&action={action}&kind={kind}&row={row}", who.id);
    root.get(&format!("/admin/explain?{query}")).await.ok()
}

fn trial(who: &Person, action: &str, kind: &str, row: &str) -> Value {
    json!({"user_id": who.id, "action": action, "kind": kind, "row": row, "version": 1, "reason": "trying"})
}

both_engines! {
    async fn a_right_is_explained_as_it_is_decided(app) {
        let root = app.db_admin("root").await;
        let (ana, ben, cleo) =
            (app.consumer("ana").await, app.provider("ben").await, app.provider("cleo").await);
        let request = app.request(&ana).await;
        let offer = app.offer(&ben, &request).await;
        let accept = async |who: &Person| explained(&root, who, "accept", "offer", id(&offer)).await;

        let by_ana = accept(&ana).await;
        assert_eq!((by_ana["allowed"].clone(), by_ana["rule"].clone()), (json!(true), json!("standing")));
        assert_eq!(
            by_ana["because"],
            "to accept this offer one must be its consumer; the user is its consumer"
        );
        let by_ben = accept(&ben).await;
        assert_eq!((by_ben["allowed"].clone(), by_ben["rule"].clone()), (json!(false), json!("no_standing")));
        assert_eq!(by_ben["needs"], "its consumer");
        assert_eq!(by_ben["current_state"], "pending");
        assert_eq!(accept(&cleo).await["standing"], "none of those it concerns");
        assert_eq!(accept(&root).await["rule"], "admin");
        let seen = explained(&root, &cleo, "see", "request", id(&request)).await;
        assert_eq!(
            (seen["allowed"].clone(), seen["standing"].clone()),
            (json!(true), json!("somebody it is shown to"))
        );

        app.accept(&ana, &offer).await;
        let too_late = explained(&root, &ana, "decline", "offer", id(&offer)).await;
        assert_eq!((too_late["allowed"].clone(), too_late["rule"].clone()), (json!(false), json!("state")));
        assert_eq!(too_late["because"], "cannot decline a offer that is accepted");

        app.db_suspend(&root, &ana).await;
        assert_eq!(explained(&root, &ana, "see", "offer", id(&offer)).await["rule"], "suspended");
        let audit = root.get(&format!("/admin/audit?kind=user&row={}&outcome=admin", ana.id)).await.ok();
        assert_eq!(audit["items"][0]["detail"], format!("see offer {}", id(&offer)));
        assert_eq!(
            app.db_audit("offer", id(&offer)).await,
            ["done accept"],
            "nobody seems to have tried anything"
        );
    }

    async fn what_cannot_be_explained_is_refused(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let request = app.request(&ana).await;
        let ask = async |query: String| root.get(&format!("/admin/explain?{query}")).await.status;
        let row = id(&request);
        assert_eq!(ask(format!("user_id={}&action=fly&kind=request&row={row}", ana.id)).await, 422);
        assert_eq!(
            ask(format!("user_id={}&action=see&kind=entry&row={row}", ana.id)).await,
            422,
            "journals are private"
        );
        assert_eq!(ask(format!("user_id={}&action=see&kind=request&row=7", ana.id)).await, 422);
        assert_eq!(ask(format!("user_id=7&action=see&kind=request&row={row}")).await, 422);
        assert_eq!(ask(format!("user_id={row}&action=see&kind=request&row={row}")).await, 404);
        assert_eq!(ask(format!("user_id={0}&action=see&kind=request&row={0}", ana.id)).await, 404);
        ana.get(&format!("/admin/explain?user_id={}&action=see&kind=request&row={row}", ana.id))
            .await
            .refused(403);
        ana.post("/admin/dry-run", trial(&ana, "cancel", "request", row)).await.refused(403);
    }

    async fn a_dry_run_tells_what_would_happen_and_changes_nothing(app) {
        let root = app.db_admin("root").await;
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let request = app.request(&ana).await;
        let offer = app.offer(&ben, &request).await;
        let mut ear = Socket::connect(app.address, &ben.live_path()).await;
        ear.recv("connection_established").await;
        let before = ana.get(&format!("/offers/{}", id(&offer))).await.text;

        let told = root.post("/admin/dry-run", trial(&ana, "accept", "offer", id(&offer))).await.ok();
        assert_eq!(told["state"], "accepted");
        let events = told["events"].as_array().unwrap();
        let rooms = |kind: &str| {
            let event = events.iter().find(|event| event["kind"] == kind);
            event.unwrap_or_else(|| panic!("no {kind}: {told}"))["rooms"].to_string()
        };
        assert!(rooms("offer.accepted").contains(&format!("user:{}", ben.id)), "{told}");
        assert!(rooms("booking.created").contains("admin"), "{told}");
        rooms("request.booked");

        assert_eq!(ana.get(&format!("/offers/{}", id(&offer))).await.text, before, "as if nothing had been");
        assert_eq!(ana.get("/bookings").await.ok()["items"], json!([]));
        assert_eq!(app.db_audit("offer", id(&offer)).await, [""; 0]);
        ear.recv_pong().await;
        assert!(ear.take_all("event").is_empty(), "nobody heard of it");

        let refused =
            root.post("/admin/dry-run", trial(&ben, "accept", "offer", id(&offer))).await.refused(403);
        assert_eq!(
            refused["detail"], "to accept this offer you must be its consumer",
            "as it would be to him"
        );
        assert_eq!(app.db_audit("offer", id(&offer)).await, [""; 0], "he has tried nothing");
        let twice = root.post("/admin/dry-run", trial(&ana, "start", "booking", id(&offer))).await;
        assert_eq!(twice.status, 404, "{twice}");
        let stale =
            json!({"user_id": ana.id, "action": "accept", "kind": "offer", "row": id(&offer), "version": 9});
        assert_eq!(root.post("/admin/dry-run", stale).await.refused(409)["code"], "stale_version");

        let told = root.post("/admin/dry-run", trial(&root, "suspend", "user", &ben.id)).await.ok();
        assert!(told["revocations"].as_u64().unwrap() > 0, "{told}");
        ben.get("/auth/me").await.ok();
        app.accept(&ana, &offer).await;
        ear.event("offer.accepted").await;
    }
}
