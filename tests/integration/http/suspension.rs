//! What a suspension does to the market, and that nobody can act on what it has not come to yet.

use std::future::IntoFuture;

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::server::scheduler::{Swept, sweep};

use crate::both_engines;
use crate::support::{Person, TestApp, id, usual_request};

/// More than a suspension settles itself.
const MANY: usize = 60;

async fn suspend(root: &Person, who: &Person) {
    root.post(&format!("/admin/users/{}/suspend", who.id), json!({"reason": "fraud"})).await.ok();
}

async fn reinstate(root: &Person, who: &Person) {
    root.post(&format!("/admin/users/{}/reinstate", who.id), Value::Null).await.ok();
}

async fn state(reader: &Person, kind: &str, row: &Value) -> Value {
    reader.get(&format!("/{kind}/{}", id(row))).await.ok()["state"].clone()
}

async fn count(reader: &Person, path: &str) -> usize {
    reader.get(path).await.ok()["items"].as_array().unwrap().len()
}

fn accept(consumer: &Person, offer: &Value) -> crate::support::Call {
    consumer.post(&format!("/offers/{}/accept", id(offer)), json!({"version": offer["version"]}))
}

/// Requests of the consumer's, each with an offer of the provider's at a time of its own.
async fn many_offers(app: &TestApp, consumer: &Person, provider: &Person) -> Vec<Value> {
    let mut offers = Vec::new();
    for hours in 0..MANY {
        let request = app.request(consumer).await;
        offers.push(app.offer_at(provider, &request, 100 + 2 * u64::try_from(hours).unwrap()).await);
    }
    offers
}

both_engines! {
    async fn a_suspended_providers_offers_lapse_and_the_other_side_hears_of_it(app) {
        let (root, ana, ben) = (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let booking = app.booking(&ana, &ben).await;
        let request = app.request(&ana).await;
        let offer = app.offer_at(&ben, &request, 200).await;
        let mut live = ana.live().await;
        suspend(&root, &ben).await;
        let heard = live.event("offer.not_selected").await;
        assert_eq!((&heard["data"]["offer_id"], &heard["by"]), (&offer["id"], &Value::Null));
        assert_eq!(state(&ana, "offers", &offer).await, "not_selected");
        assert_eq!(state(&ana, "requests", &request).await, "open", "others may answer it");
        let refused = accept(&ana, &offer).await.refused(409);
        assert_eq!(refused["current_state"], "not_selected");

        assert_eq!(state(&ana, "bookings", &booking).await, "confirmed", "bookings stay as they are");
        let listed = root.get("/admin/bookings").await.ok();
        assert_eq!((&listed["items"][0]["id"], listed["items"].as_array().unwrap().len()), (&booking["id"], 1));
        assert_eq!(count(&root, "/admin/bookings?state=completed").await, 0);
        ana.get("/admin/bookings").await.refused(403);

        reinstate(&root, &ben).await;
        assert_eq!(state(&ana, "offers", &offer).await, "not_selected", "what is closed stays closed");
        assert_eq!(count(&root, "/admin/bookings").await, 0);
        let ben = app.log_in("ben").await;
        app.offer_at(&ben, &request, 200).await;
    }

    async fn a_suspended_consumers_requests_are_closed_with_the_offers_on_them(app) {
        let (root, ana, ben) = (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let booking = app.booking(&ana, &ben).await;
        let request = app.request(&ana).await;
        let offer = app.offer_at(&ben, &request, 200).await;
        let mut live = ben.live().await;
        live.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        suspend(&root, &ana).await;
        assert_eq!(live.event("request.cancelled").await["data"]["request_id"], request["id"]);
        assert_eq!(live.event("offer.not_selected").await["data"]["offer_id"], offer["id"]);
        assert_eq!(state(&root, "requests", &request).await, "cancelled");
        ben.post(&format!("/requests/{}/offers", id(&request)), app.usual_offer(300)).await.refused(409);

        let cancel = format!("/bookings/{}/cancel", id(&booking));
        ben.post(&cancel, Value::Null).await.ok();
        let booked = root.get(&format!("/requests/{}", booking["request_id"].as_str().unwrap())).await.ok();
        assert_eq!(booked["state"], "cancelled", "nobody is there to whom it could be open again");

        reinstate(&root, &ana).await;
        assert_eq!(state(&root, "requests", &request).await, "cancelled");
    }

    async fn a_removed_request_of_a_suspended_consumer_is_not_restored(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let request = app.request(&ana).await;
        let path = format!("/requests/{}", id(&request));
        root.post(&format!("{path}/remove"), json!({"reason": "spam"})).await.ok();
        suspend(&root, &ana).await;
        let refused = root.post(&format!("{path}/restore"), json!({"reason": "a mistake"})).await.refused(409);
        assert_eq!((&refused["code"], &refused["current_state"]), (&json!("party_suspended"), &json!("removed")));
        reinstate(&root, &ana).await;
        let restored = root.post(&format!("{path}/restore"), json!({"reason": "a mistake"})).await.ok();
        assert_eq!(restored["state"], "open");
    }

    async fn nobody_acts_on_what_a_suspension_has_not_come_to_yet(app with ["--sweep-interval=1h"]) {
        let (root, ana, ben) = (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let carl = app.provider("carl").await;
        let offers = many_offers(app, &ana, &ben).await;
        let newest = offers.last().unwrap();
        suspend(&root, &ben).await;
        let pending = count(&ana, "/offers?state=pending&limit=100").await;
        assert!((1..MANY).contains(&pending), "the premise: some are left, and not {pending}");
        let refused = accept(&ana, newest).await.refused(409);
        assert_eq!((&refused["code"], &refused["current_state"]), (&json!("party_suspended"), &json!("pending")));
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!(swept, Swept { lapsed: pending, ..Swept::default() });
        assert_eq!(count(&ana, "/offers?state=not_selected&limit=100").await, MANY);

        suspend(&root, &ana).await;
        let open = count(&root, "/requests?state=open&limit=100").await;
        assert!((1..MANY).contains(&open), "the premise: some are left, and not {open}");
        let path = format!("/requests/{}/offers", newest["request_id"].as_str().unwrap());
        let refused = carl.post(&path, app.usual_offer(50)).await.refused(409);
        assert_eq!((&refused["code"], &refused["current_state"]), (&json!("party_suspended"), &json!("open")));
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!(swept, Swept { closed: open, ..Swept::default() });
        assert_eq!(count(&root, "/requests?state=cancelled&limit=100").await, MANY);
    }

    async fn what_a_user_makes_while_they_are_suspended_is_closed_with_the_suspension(app with ["--sweep-interval=1h"]) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let mut requests = Vec::new();
        for _ in 0..6 {
            requests.push(app.request(&ana).await);
        }
        let mut made = 0;
        for round in 0..12 {
            let (ben, cleo) =
                (app.provider(&format!("ben{round}")).await, app.consumer(&format!("cleo{round}")).await);
            let offers = join_all(requests.iter().map(|request| {
                let offer = ben.post(&format!("/requests/{}/offers", id(request)), app.usual_offer(100));
                async move { offer.await }
            }));
            let asked = join_all((0..6).map(|_| async { cleo.post("/requests", usual_request()).await }));
            let both = async {
                suspend(&root, &ben).await;
                suspend(&root, &cleo).await;
            };
            let (offers, asked, ()) = tokio::join!(offers, asked, both);
            made += offers.iter().chain(&asked).filter(|answer| answer.status == 201).count();
            for state in ["pending", "countered"] {
                let live = format!("/offers?state={state}&user_id={}", ben.id);
                assert_eq!(count(&root, &live).await, 0, "offers of round {round}");
            }
            let open = format!("/requests?state=open&user_id={}", cleo.id);
            assert_eq!(count(&root, &open).await, 0, "requests of round {round}");
        }
        assert!(made > 0, "the premise: some were made before the suspension");
    }

    async fn accepting_meets_suspending_and_one_of_them_is_first(app with ["--sweep-interval=1h"]) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        for round in 0..12 {
            let ben = app.provider(&format!("ben{round}")).await;
            let request = app.request(&ana).await;
            let offer = app.offer(&ben, &request).await;
            let (accepted, ()) = tokio::join!(accept(&ana, &offer).into_future(), suspend(&root, &ben));
            let (offer, request) = (state(&ana, "offers", &offer).await, state(&ana, "requests", &request).await);
            match accepted.status {
                200 => assert_eq!((offer, request), (json!("accepted"), json!("booked"))),
                409 => assert_eq!((offer, request), (json!("not_selected"), json!("open"))),
                _ => panic!("{accepted}"),
            }
        }
    }

    async fn offering_meets_suspending_and_no_live_offer_is_left(app with ["--sweep-interval=1h"]) {
        let (root, ben) = (app.db_admin("root").await, app.provider("ben").await);
        for round in 0..12 {
            let ana = app.consumer(&format!("ana{round}")).await;
            let request = app.request(&ana).await;
            let path = format!("/requests/{}/offers", id(&request));
            let offer = ben.post(&path, app.usual_offer(100));
            let (offered, ()) = tokio::join!(offer.into_future(), suspend(&root, &ana));
            assert_eq!(state(&root, "requests", &request).await, "cancelled");
            match offered.status {
                201 => assert_eq!(state(&ben, "offers", &offered.ok()).await, "not_selected"),
                409 => assert_eq!(count(&ben, "/offers?state=pending").await, 0),
                _ => panic!("{offered}"),
            }
        }
    }
}
