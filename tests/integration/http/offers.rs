//! Offers, and accepting one, which settles its request in one transaction.

use std::time::Duration;

use serde_json::{Value, json};
use souk::clock::Timestamp;
use souk::domain::users::Role;

use crate::both_engines;
use crate::support::{ADDRESS, Person, id, usual_request};

fn path(offer: &Value) -> String {
    format!("/offers/{}", id(offer))
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

async fn items(person: &Person, list: &str) -> Vec<Value> {
    person.get(list).await.ok()["items"].as_array().unwrap().clone()
}

both_engines! {
    async fn an_offer_opens_a_session_and_both_sides_hear_of_it(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let answered = pavel.post(&format!("/requests/{}/offers", id(&request)), app.usual_offer(100)).await;
        let offer = answered.ok();
        assert_eq!((answered.status, answered.header("location")), (201, Some(path(&offer).as_str())));
        assert_eq!((&offer["state"], &offer["version"]), (&json!("pending"), &json!(1)));
        assert_eq!(&offer["booking_id"], &Value::Null);
        let term = time(&offer["valid_until"]).since(time(&offer["created_at"]));
        assert_eq!(term, Duration::from_secs(72 * 3600));
        assert_eq!(offer["allowed_actions"], json!(["revise", "withdraw"]));
        assert_eq!(ana.get(&path(&offer)).await.ok()["allowed_actions"], json!(["accept", "decline"]));
        let session = offer["session_id"].as_str().unwrap();
        for person in [&ana, &pavel] {
            assert_eq!(person.get(&format!("/sessions/{session}")).await.ok()["request_id"], request["id"]);
            let received = app.db_kinds(&format!("user:{}", person.id)).await;
            assert_eq!(received.last().unwrap(), "offer.submitted");
        }
        assert_eq!(app.db_kinds(&format!("session:{session}")).await, ["offer.submitted"]);
    }

    async fn only_a_provider_answers_and_only_once_at_a_time(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let (eve, root) = (app.consumer("eve").await, app.db_admin("root").await);
        let request = app.request(&ana).await;
        let answer = format!("/requests/{}/offers", id(&request));
        for other in [&ana, &eve, &root] {
            other.post(&answer, app.usual_offer(100)).await.refused(403);
        }
        let offer = app.offer(&pavel, &request).await;
        assert_eq!(pavel.post(&answer, app.usual_offer(90)).await.refused(409)["code"], "live_offer_exists");
        pavel.post(&format!("{}/withdraw", path(&offer)), Value::Null).await.ok();
        let next = app.offer(&pavel, &request).await;
        assert_eq!(next["session_id"], offer["session_id"], "the two have one session");
        let nowhere = format!("/requests/{}/offers", id(&offer));
        pavel.post(&nowhere, app.usual_offer(100)).await.refused(404);
    }

    async fn nobody_answers_themselves_whichever_side_they_are_on_now(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let request = app.request(&ana).await;
        let ana = app.db_change_role(&root, &ana, Role::Provider).await;
        assert_eq!(ana.get(&format!("/requests/{}", id(&request))).await.ok()["user_id"], ana.id);
        let answer = format!("/requests/{}/offers", id(&request));
        ana.post(&answer, app.usual_offer(100)).await.refused(403);
    }

    async fn what_cannot_be_offered_is_refused(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let answer = format!("/requests/{}/offers", id(&request));
        let past = json!({"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z"});
        let reversed = json!({"start": app.hours(2), "end": app.hours(1)});
        for (field, value, refused) in [
            ("price", json!({"amount": -1, "currency": "EUR"}), "price"),
            ("price", json!({"amount": 1, "currency": "USD"}), "price.currency"),
            ("slot", reversed, "slot"),
            ("slot", past, "slot.start"),
            ("valid_until", app.hours(101), "valid_until"),
            ("valid_until", json!("2020-01-01T00:00:00Z"), "valid_until"),
        ] {
            let mut offer = app.usual_offer(100);
            offer[field] = value;
            let problem = pavel.post(&answer, offer).await.refused(422);
            assert_eq!(problem["errors"][0]["field"], refused);
        }
        let soon = app.offer_at(&pavel, &request, 2).await;
        assert_eq!(soon["valid_until"], soon["slot"]["start"], "nobody accepts a slot that has begun");
    }

    async fn an_offer_is_between_its_two_sides(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let (pavel, petra) = (app.provider("pavel").await, app.provider("petra").await);
        let root = app.db_admin("root").await;
        let request = app.request(&ana).await;
        let (his, hers) = (app.offer(&pavel, &request).await, app.offer(&petra, &request).await);
        for stranger in [&eve, &petra] {
            stranger.get(&path(&his)).await.refused(403);
            stranger.patch(&path(&his), json!({})).await.refused(403);
            for action in ["accept", "decline", "withdraw", "remove"] {
                let body = match action {
                    "accept" => json!({"version": 1}),
                    "remove" => json!({"reason": "x"}),
                    _ => Value::Null,
                };
                stranger.post(&format!("{}/{action}", path(&his)), body).await.refused(403);
            }
        }
        let on_request = format!("/requests/{}/offers", id(&request));
        assert_eq!((items(&ana, &on_request).await.len(), items(&root, &on_request).await.len()), (2, 2));
        assert_eq!(id(&items(&petra, &on_request).await[0]), id(&hers));
        assert_eq!(items(&petra, &on_request).await.len(), 1);
        eve.get(&on_request).await.refused(403);
        assert_eq!((items(&ana, "/offers").await.len(), items(&pavel, "/offers").await.len()), (2, 1));
        assert_eq!((items(&eve, "/offers").await.len(), items(&root, "/offers").await.len()), (0, 2));
        pavel.get(&format!("/offers/{}", id(&request))).await.refused(404);
        assert_eq!(pavel.get(&path(&his)).await.ok()["state"], "pending", "none of this changed anything");
    }

    async fn the_wrong_side_can_neither_accept_nor_revise(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let offer = app.offer(&pavel, &app.request(&ana).await).await;
        pavel.post(&format!("{}/accept", path(&offer)), json!({"version": 1})).await.refused(403);
        pavel.post(&format!("{}/decline", path(&offer)), Value::Null).await.refused(403);
        ana.post(&format!("{}/withdraw", path(&offer)), Value::Null).await.refused(403);
        let forbidden = ana.patch(&path(&offer), json!({})).await.refused(403);
        assert_eq!(forbidden["detail"], "to revise this offer you must be its owner");
    }

    async fn a_revised_offer_is_another_version(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let offer = app.offer(&pavel, &app.request(&ana).await).await;
        let cheaper = json!({"price": {"amount": 3900, "currency": "EUR"}});
        let revised = pavel.patch(&path(&offer), cheaper.clone()).if_match("\"1\"").await.ok();
        assert_eq!((&revised["version"], &revised["price"]["amount"]), (&json!(2), &json!(3900)));
        assert_eq!(revised["message"], offer["message"]);
        pavel.patch(&path(&offer), cheaper).if_match("\"1\"").await.refused(412);
        let problem = ana.post(&format!("{}/accept", path(&offer)), json!({"version": 1})).await.refused(409);
        assert_eq!((&problem["code"], &problem["current_state"]), (&json!("stale_version"), &json!("pending")));
        assert_eq!(problem["allowed_actions"], json!(["accept", "decline"]));
        let sooner = pavel.patch(&path(&offer), json!({"slot": app.slot(2)})).await.ok();
        assert_eq!(sooner["valid_until"], sooner["slot"]["start"]);
        assert_eq!(app.accept(&ana, &sooner).await["price"]["amount"], 3900);
    }

    async fn declining_and_withdrawing_end_an_offer(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        for (person, action, state) in [(&ana, "decline", "declined"), (&pavel, "withdraw", "withdrawn")] {
            let offer = app.offer(&pavel, &request).await;
            let deed = format!("{}/{action}", path(&offer));
            let ended = person.post(&deed, Value::Null).await.ok();
            assert_eq!((&ended["state"], &ended["allowed_actions"]), (&json!(state), &json!([])));
            assert_eq!(person.post(&deed, Value::Null).await.ok(), ended, "again is no conflict");
            let problem = ana.post(&format!("{}/accept", path(&offer)), json!({"version": 2})).await.refused(409);
            assert_eq!((&problem["current_state"], &problem["allowed_actions"]), (&json!(state), &json!([])));
            let received = app.db_kinds(&format!("session:{}", offer["session_id"].as_str().unwrap())).await;
            assert_eq!(received.last().unwrap(), &format!("offer.{state}"));
        }
    }

    async fn accepting_settles_everything_at_once(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let petra = app.provider("petra").await;
        let request = app.request(&ana).await;
        let (offer, other) = (app.offer(&pavel, &request).await, app.offer(&petra, &request).await);
        let accepted = ana.post(&format!("{}/accept", path(&offer)), json!({"version": 1})).await.ok();
        assert_eq!((&accepted["state"], &accepted["version"]), (&json!("accepted"), &json!(2)));

        let booking = format!("/bookings/{}", accepted["booking_id"].as_str().unwrap());
        let booking = pavel.get(&booking).await.ok();
        assert_eq!((&booking["state"], &booking["title"]), (&json!("confirmed"), &request["title"]));
        assert_eq!((&booking["price"], &booking["slot"]), (&offer["price"], &offer["slot"]));
        assert_eq!((&booking["address"], &booking["session_id"]), (&json!(ADDRESS), &offer["session_id"]));
        let session = format!("/sessions/{}", offer["session_id"].as_str().unwrap());
        assert_eq!(pavel.get(&session).await.ok()["booking_id"], booking["id"]);
        assert!(booking["project_id"].is_string());

        let wanted = format!("/requests/{}", id(&request));
        assert_eq!(ana.get(&wanted).await.ok()["state"], "booked");
        assert_eq!(pavel.get(&wanted).await.ok()["address"], ADDRESS, "he has to find the door");
        assert_eq!(petra.get(&wanted).await.ok()["address"], Value::Null);
        assert_eq!(petra.get(&path(&other)).await.ok()["state"], "not_selected");
        let problem = ana.post(&format!("{}/accept", path(&other)), json!({"version": 1})).await.refused(409);
        assert_eq!((&problem["current_state"], &problem["allowed_actions"]), (&json!("not_selected"), &json!([])));

        let received = |room: String| async move { app.db_kinds(&room).await };
        let user = |person: &Person| format!("user:{}", person.id);
        assert_eq!(received("market:plumbing".into()).await, ["request.published", "request.booked"]);
        assert_eq!(received(format!("booking:{}", id(&booking))).await, ["booking.created"]);
        assert_eq!(received(user(&petra)).await.last().unwrap(), "offer.not_selected");
        for person in [&ana, &pavel] {
            let received = received(user(person)).await;
            for kind in ["offer.accepted", "booking.created", "project.opened"] {
                assert_eq!(received.iter().filter(|received| *received == kind).count(), 1, "{kind}");
            }
        }
        assert_eq!(app.db_audit("offer", id(&offer)).await, ["done accept"]);
        for event in app.db_events(&format!("booking:{}", id(&booking))).await {
            assert!(!event.data.get().contains(ADDRESS));
        }
    }

    async fn the_same_version_is_accepted_once_and_the_same_call_answered_again(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let offer = app.offer(&pavel, &app.request(&ana).await).await;
        let accept = format!("{}/accept", path(&offer));
        let accepted = ana.post(&accept, json!({"version": 1})).key("yes").await;
        let again = ana.post(&accept, json!({"version": 1})).key("yes").await;
        assert_eq!((again.ok(), again.etag()), (accepted.ok(), accepted.etag()));
        let problem = ana.post(&accept, json!({"version": 1})).await.refused(409);
        assert_eq!(problem["current_state"], "accepted");
        assert_eq!(ana.post(&accept, json!({"version": 2})).await.ok(), accepted.json(), "so it stands already");
        assert_eq!(items(&ana, "/bookings").await.len(), 1);
    }

    async fn an_overdue_offer_does_not_stand_in_the_way_of_the_next(app with ["--sweep-interval=1h"]) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let mut short = app.usual_offer(100);
        short["valid_until"] = json!(app.clock.now().plus(Duration::from_secs(60)));
        let answer = format!("/requests/{}/offers", id(&request));
        let first = pavel.post(&answer, short).await.ok();
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(pavel.patch(&path(&first), json!({})).await.refused(409)["current_state"], "expired");
        app.offer(&pavel, &request).await;
        let received = app.db_kinds(&format!("session:{}", first["session_id"].as_str().unwrap())).await;
        assert_eq!(received, ["offer.submitted", "offer.expired", "offer.submitted"]);
    }

    async fn an_admin_takes_an_offer_away_with_a_reason(app) {
        let (ana, pavel, root) =
            (app.consumer("ana").await, app.provider("pavel").await, app.db_admin("root").await);
        let offer = app.offer(&pavel, &app.request(&ana).await).await;
        let remove = format!("{}/remove", path(&offer));
        ana.post(&remove, json!({"reason": "x"})).await.refused(403);
        root.post(&remove, json!({})).await.refused(422);
        assert_eq!(root.post(&remove, json!({"reason": "spam"})).await.ok()["state"], "removed");
        let mut audit = app.db_audit("offer", id(&offer)).await;
        audit.sort();
        assert_eq!(audit, ["admin remove", "done remove", "refused remove"]);
    }

    async fn offers_come_in_the_requests_currency_also_after_it_changed(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = app.request(&ana).await;
        let offer = app.offer(&pavel, &request).await;
        let mut budget = usual_request()["budget"].clone();
        budget["currency"] = json!("CHF");
        ana.patch(&format!("/requests/{}", id(&request)), json!({"budget": budget})).await.ok();
        let problem = pavel.patch(&path(&offer), json!({})).await.refused(422);
        assert_eq!(problem["errors"][0]["field"], "price.currency");
        let francs = json!({"price": {"amount": 5000, "currency": "CHF"}});
        let revised = pavel.patch(&path(&offer), francs).await.ok();
        app.accept(&ana, &revised).await;
    }
}
