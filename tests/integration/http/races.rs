//! Concurrent calls: in whatever order they arrive, exactly one succeeds.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::db::DbError;
use souk::db::schema::bookings;

use crate::both_engines;
use crate::support::{Answer, Person, TestApp, id};

const ROUNDS: usize = 50;
const OFFERS: usize = 8;
const CALLS: usize = 64;

async fn providers(app: &TestApp) -> Vec<Person> {
    let mut providers = Vec::new();
    for n in 0..OFFERS {
        providers.push(app.provider(&format!("pavel{n}")).await);
    }
    providers
}

/// Accepts these offers concurrently, each several times.
async fn accept_all(ana: &Person, offers: &[Value]) -> Vec<Answer> {
    join_all((0..CALLS).map(|call| {
        let offer = &offers[call % offers.len()];
        let accept = ana.post(&format!("/offers/{}/accept", id(offer)), json!({"version": 1}));
        async move { accept.await }
    }))
    .await
}

/// The one successful response; all others must be conflicts.
fn winner(answers: &[Answer]) -> Value {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, CALLS - 1));
    for answer in lost {
        let problem = answer.refused(409);
        let told = problem["current_state"].is_string() && problem["allowed_actions"].is_array();
        assert!(told || problem["code"] == "slot_taken", "{problem}");
    }
    won[0].ok()
}

async fn count_bookings(app: &TestApp) -> i64 {
    use diesel::prelude::*;
    let count = app.server.db.read(|uow| -> Result<i64, DbError> {
        Ok(bookings::table.filter(bookings::status.eq("confirmed")).count().get_result(uow.conn())?)
    });
    count.await.unwrap()
}

both_engines! {
    async fn one_of_many_offers_is_accepted(app) {
        let (ana, pavels) = (app.consumer("ana").await, providers(app).await);
        for round in 1..=ROUNDS {
            let request = app.request(&ana).await;
            let hours = 24 + 2 * u64::try_from(round).unwrap();
            let offers = join_all(pavels.iter().map(|pavel| app.offer_at(pavel, &request, hours))).await;
            let won = winner(&accept_all(&ana, &offers).await);
            let list = ana.get(&format!("/requests/{}/offers", id(&request))).await.ok();
            for offer in list["items"].as_array().unwrap() {
                let state = if id(offer) == id(&won) { "accepted" } else { "not_selected" };
                assert_eq!(offer["state"], state);
            }
            assert_eq!(count_bookings(app).await, i64::try_from(round).unwrap());
        }
    }

    async fn one_of_many_overlapping_slots_is_booked(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        for round in 1..=ROUNDS {
            let hours = 24 + 2 * u64::try_from(round).unwrap();
            let offers = join_all((0..OFFERS).map(async |_| {
                let request = app.request(&ana).await;
                app.offer_at(&pavel, &request, hours).await
            }))
            .await;
            let won = winner(&accept_all(&ana, &offers).await);
            let list = ana.get(&format!("/offers?limit={OFFERS}")).await.ok();
            for offer in list["items"].as_array().unwrap() {
                let state = if id(offer) == id(&won) { "accepted" } else { "pending" };
                assert_eq!(offer["state"], state);
            }
            assert_eq!(count_bookings(app).await, i64::try_from(round).unwrap());
        }
    }

    async fn accepting_meets_cancelling_revising_and_editing(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        for round in 1..=ROUNDS / 2 {
            let request = app.request(&ana).await;
            let offer = app.offer_at(&pavel, &request, 24 + 2 * u64::try_from(round).unwrap()).await;
            let (wanted, offered) = (format!("/requests/{}", id(&request)), format!("/offers/{}", id(&offer)));
            let deeds = [
                ana.post(&format!("{offered}/accept"), json!({"version": 1})),
                ana.post(&format!("{wanted}/cancel"), Value::Null),
                ana.patch(&wanted, json!({"title": "Two taps drip"})),
                pavel.patch(&offered, json!({"message": "Tomorrow."})),
                pavel.post(&format!("{offered}/withdraw"), Value::Null),
                ana.post(&format!("{offered}/decline"), Value::Null),
            ];
            let answers = join_all(deeds.into_iter().map(|deed| async move { deed.await })).await;
            assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
            let (request, offer) = (ana.get(&wanted).await.ok(), ana.get(&offered).await.ok());
            let fits = match offer["state"].as_str().unwrap() {
                "accepted" => request["state"] == "booked",
                "not_selected" => request["state"] == "cancelled",
                "withdrawn" | "declined" => request["state"] == "cancelled" || request["state"] == "open",
                _ => false,
            };
            assert!(fits, "{request} {offer}");
        }
    }
}
