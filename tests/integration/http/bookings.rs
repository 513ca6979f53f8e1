//! Bookings, from confirmed to completed or cancelled.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{ADDRESS, id, usual_request};

fn path(booking: &Value) -> String {
    format!("/bookings/{}", id(booking))
}

fn request_of(booking: &Value) -> String {
    format!("/requests/{}", booking["request_id"].as_str().unwrap())
}

both_engines! {
    async fn work_begins_and_is_done(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let booking = app.booking(&ana, &pavel).await;
        assert_eq!(booking["allowed_actions"], json!(["complete", "cancel"]));
        let start = format!("{}/start", path(&booking));
        ana.post(&start, Value::Null).await.refused(403);
        let started = pavel.post(&start, Value::Null).await.ok();
        assert_eq!((&started["state"], &started["version"]), (&json!("in_progress"), &json!(2)));
        assert_eq!(pavel.post(&start, Value::Null).await.ok(), started, "again is no conflict");

        let complete = format!("{}/complete", path(&booking));
        let done = ana.put(&complete, Value::Null).await.ok();
        assert_eq!((&done["state"], &done["completed_by"]), (&json!("completed"), &json!(ana.id)));
        assert_eq!(ana.post(&complete, Value::Null).await.ok(), done, "by either method");
        let second = pavel.post(&complete, Value::Null).await.refused(409);
        assert_eq!((&second["current_state"], &second["allowed_actions"]), (&json!("completed"), &json!([])));
        pavel.post(&format!("{}/cancel", path(&booking)), Value::Null).await.refused(409);
        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "fulfilled");
        let received = app.db_kinds(&format!("booking:{}", id(&booking))).await;
        assert_eq!(received, ["booking.created", "booking.started", "booking.completed"]);
        assert_eq!(app.db_kinds(&format!("user:{}", ana.id)).await.last().unwrap(), "booking.completed");
    }

    async fn a_booking_is_between_its_parties(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let (eve, petra) = (app.consumer("eve").await, app.provider("petra").await);
        let root = app.db_admin("root").await;
        let booking = app.booking(&ana, &pavel).await;
        for party in [&ana, &pavel, &root] {
            let seen = party.get(&path(&booking)).await;
            assert_eq!((&seen.ok()["address"], seen.etag()), (&json!(ADDRESS), "\"1\""));
            assert_eq!(party.get("/bookings").await.ok()["items"].as_array().unwrap().len(), 1);
        }
        for stranger in [&eve, &petra] {
            stranger.get(&path(&booking)).await.refused(403);
            assert_eq!(stranger.get("/bookings").await.ok()["items"], json!([]));
            for action in ["start", "complete", "cancel"] {
                stranger.post(&format!("{}/{action}", path(&booking)), Value::Null).await.refused(403);
            }
            let force = format!("{}/force_cancel", path(&booking));
            stranger.post(&force, json!({"reason": "x"})).await.refused(403);
        }
        assert_eq!(ana.get("/bookings?state=completed").await.ok()["items"], json!([]));
        ana.get(&format!("/bookings/{}", booking["offer_id"].as_str().unwrap())).await.refused(404);
        assert_eq!(ana.get(&path(&booking)).await.ok(), booking, "none of this changed anything");
    }

    async fn called_off_before_the_start_it_leaves_the_request_open_and_the_slot_free(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let booking = app.booking(&ana, &pavel).await;
        let cancel = format!("{}/cancel", path(&booking));
        let cancelled = pavel.put(&cancel, json!({"reason": "a flooded cellar"})).await.ok();
        assert_eq!((&cancelled["state"], &cancelled["cancelled_by"]), (&json!("cancelled"), &json!(pavel.id)));
        assert_eq!(cancelled["cancel_reason"], "a flooded cellar");
        assert_eq!(pavel.post(&cancel, Value::Null).await.ok(), cancelled, "again is no conflict");
        let second = ana.post(&cancel, Value::Null).await.refused(409);
        assert_eq!(second["current_state"], "cancelled");

        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "open");
        assert_eq!(pavel.get(&request_of(&booking)).await.ok()["address"], Value::Null);
        let offer = format!("/offers/{}", booking["offer_id"].as_str().unwrap());
        assert_eq!(ana.get(&offer).await.ok()["state"], "voided");
        let session = format!("/sessions/{}", booking["session_id"].as_str().unwrap());
        for party in [&ana, &pavel] {
            assert_eq!(party.get(&path(&booking)).await.ok()["state"], "cancelled");
            party.get(&session).await.ok();
        }
        let market = app.db_kinds("market:plumbing").await;
        assert_eq!(market, ["request.published", "request.booked", "request.reopened"]);

        let request = ana.get(&request_of(&booking)).await.ok();
        let offer = app.offer(&pavel, &request).await;
        let next = app.accept(&ana, &offer).await;
        assert_eq!((&next["slot"], &next["session_id"]), (&offer["slot"], &booking["session_id"]));
        let session = ana.get(&session).await.ok();
        assert_eq!(session["booking_id"], next["id"], "the session goes with the latest booking");
    }

    async fn called_off_after_the_start_it_settles_the_request_all_the_same(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let booking = app.booking(&ana, &pavel).await;
        pavel.post(&format!("{}/start", path(&booking)), Value::Null).await.ok();
        let cancelled = ana.post(&format!("{}/cancel", path(&booking)), Value::Null).await.ok();
        assert_eq!((&cancelled["state"], &cancelled["cancel_reason"]), (&json!("cancelled"), &Value::Null));
        let request = ana.get(&request_of(&booking)).await.ok();
        assert_eq!((&request["state"], &request["allowed_actions"]), (&json!("cancelled"), &json!([])));
        let offer = format!("/offers/{}", booking["offer_id"].as_str().unwrap());
        assert_eq!(ana.get(&offer).await.ok()["state"], "voided");
        let heard = app.db_kinds(&format!("user:{}", ana.id)).await;
        for kind in ["request.cancelled", "offer.voided", "booking.cancelled"] {
            assert!(heard.iter().any(|heard| heard == kind), "{heard:?}");
        }
        let again = app.request(&ana).await;
        let offer = app.offer(&pavel, &again).await;
        app.accept(&ana, &offer).await;
    }

    async fn an_admin_calls_off_what_was_begun_and_nothing_is_left_booked(app) {
        let (ana, pavel, root) =
            (app.consumer("ana").await, app.provider("pavel").await, app.db_admin("root").await);
        let booking = app.booking(&ana, &pavel).await;
        pavel.post(&format!("{}/start", path(&booking)), Value::Null).await.ok();
        root.post(&format!("{}/force_cancel", path(&booking)), json!({"reason": "fraud"})).await.ok();
        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "cancelled");
        let offer = format!("/offers/{}", booking["offer_id"].as_str().unwrap());
        assert_eq!(pavel.get(&offer).await.ok()["state"], "voided");
    }

    async fn a_request_whose_time_is_over_is_not_reopened(app with ["--sweep-interval=1h"]) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let mut short = usual_request();
        short["expires_at"] = json!(app.clock.now().plus(std::time::Duration::from_secs(60)));
        let request = ana.post("/requests", short).await.ok();
        let offer = app.offer(&pavel, &request).await;
        let booking = app.accept(&ana, &offer).await;
        app.clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "booked", "what is booked does not expire");
        ana.post(&format!("{}/cancel", path(&booking)), Value::Null).await.ok();
        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "expired");
        let market = app.db_kinds("market:plumbing").await;
        assert_eq!(market[2..], ["request.reopened", "request.expired"]);
    }

    async fn an_admin_calls_off_for_the_two_with_a_reason(app) {
        let (ana, pavel, root) =
            (app.consumer("ana").await, app.provider("pavel").await, app.db_admin("root").await);
        let booking = app.booking(&ana, &pavel).await;
        let force = format!("{}/force_cancel", path(&booking));
        ana.post(&force, json!({"reason": "mine"})).await.refused(403);
        root.post(&force, json!({"reason": ""})).await.refused(422);
        let cancelled = root.post(&force, json!({"reason": "fraud"})).await.ok();
        assert_eq!((&cancelled["state"], &cancelled["cancelled_by"]), (&json!("cancelled"), &json!(root.id)));
        assert_eq!(ana.get(&request_of(&booking)).await.ok()["state"], "open");
        let mut audit = app.db_audit("booking", id(&booking)).await;
        audit.sort();
        assert_eq!(audit, ["admin force_cancel", "done force_cancel", "refused force_cancel"]);
    }

    async fn being_live_in_a_booking_ends_with_it(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let booking = app.booking(&ana, &pavel).await;
        let room = format!("booking:{}", id(&booking));
        let (mut anas, mut pavels) = (ana.live().await, pavel.live().await);
        for socket in [&mut anas, &mut pavels] {
            let joined = socket.ack(json!({"type": "join", "room": room, "since": 0})).await;
            assert_eq!(joined["events"][0]["kind"], "booking.created");
        }
        pavel.post(&format!("{}/cancel", path(&booking)), Value::Null).await.ok();
        for (person, socket) in [(&ana, &mut anas), (&pavel, &mut pavels)] {
            let left = socket.recv("error").await;
            assert!(left["message"].as_str().unwrap().starts_with(&format!("you have left {room}")), "{left}");
            let again = socket.request(json!({"type": "join", "room": room})).await;
            assert_eq!((&again["type"], &again["code"]), (&json!("error"), &json!("forbidden")));
            let own = format!("user:{}", person.id);
            while socket.event("booking.cancelled").await["room"] != own {}
        }
    }

    async fn two_slots_of_a_provider_touch_but_do_not_overlap(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let (ten, eleven, twelve) = (app.hours(10), app.hours(11), app.hours(12));
        let mut offers = Vec::new();
        for (start, end) in [(&ten, &eleven), (&eleven, &twelve), (&ten, &eleven)] {
            let mut offer = app.usual_offer(10);
            offer["slot"] = json!({"start": start, "end": end});
            let request = app.request(&ana).await;
            offers.push(pavel.post(&format!("/requests/{}/offers", id(&request)), offer).await.ok());
        }
        let first = app.accept(&ana, &offers[0]).await;
        app.accept(&ana, &offers[1]).await;
        let accept = format!("/offers/{}/accept", id(&offers[2]));
        let problem = ana.post(&accept, json!({"version": 1})).await.refused(409);
        assert_eq!(problem["code"], "slot_taken");
        let waiting = ana.get(&format!("/offers/{}", id(&offers[2]))).await.ok();
        assert_eq!((&waiting["state"], &waiting["version"]), (&json!("pending"), &json!(1)));
        ana.post(&format!("{}/cancel", path(&first)), Value::Null).await.ok();
        app.accept(&ana, &offers[2]).await;
    }
}
