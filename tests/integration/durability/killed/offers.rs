//! A consumer who posts requests one by one, gets two offers on each, and accepts both concurrently.

use std::time::Duration;

use serde_json::{Value, json};

use super::Pulse;
use crate::support::{Answer, Call, Person};

pub(super) struct OfferClient {
    consumer: Person,
    providers: [Person; 2],
    asked: u64,
    pub(super) chosen: Vec<Chosen>,
}

/// A request that was booked.
pub(super) struct Chosen {
    pub(super) request: String,
    pub(super) winner: String,
}

impl OfferClient {
    pub(super) fn new(consumer: &Person, providers: [&Person; 2]) -> Self {
        Self {
            consumer: consumer.clone(),
            providers: providers.map(Clone::clone),
            asked: 0,
            chosen: Vec::new(),
        }
    }

    /// Makes an offer that is never accepted; returns the session that it opens.
    pub(super) async fn open_session(&mut self) -> String {
        let (_, [offer, _]) = self.ask().await;
        text(&offer["session_id"])
    }

    /// Posts and accepts until the last kill is over; few enough for one page of bookings.
    pub(super) async fn choose(&mut self, pulse: &Pulse) {
        while !pulse.is_over() && self.chosen.len() < 100 {
            let (request, offers) = self.ask().await;
            let ids = offers.each_ref().map(|offer| text(&offer["id"]));
            let (one, other) = tokio::join!(self.accept(&ids[0]), self.accept(&ids[1]));
            let winner = match (one.status, other.status) {
                (200, 409) => &ids[0],
                (409, 200) => &ids[1],
                _ => panic!("one of two is accepted, but {one} and {other}"),
            };
            pulse.answered();
            self.chosen.push(Chosen { request, winner: winner.clone() });
        }
    }

    /// Posts a request with an offer of each provider.
    async fn ask(&mut self) -> (String, [Value; 2]) {
        self.asked += 1;
        let number = self.asked;
        let request = json!({
            "category": "painting", "title": format!("Job {number}"), "budget": {"currency": "EUR"}, "state": "open",
        });
        let key = format!("ask-{number}");
        let request = insist(|| self.consumer.post("/requests", request.clone()).key(&key)).await.ok();
        let request = text(&request["id"]);
        let hours = |hours: u64| Duration::from_secs(3600 * hours);
        let day = souk::clock::Clock::system().now().plus(hours(24 + 2 * number));
        let offer = json!({
            "price": {"amount": 10_000, "currency": "EUR"}, "slot": {"start": day, "end": day.plus(hours(1))},
        });
        let path = format!("/requests/{request}/offers");
        let key = format!("offer-{number}");
        let [ben, cleo] = &self.providers;
        let (one, other) = tokio::join!(
            insist(|| ben.post(&path, offer.clone()).key(&key)),
            insist(|| cleo.post(&path, offer.clone()).key(&key)),
        );
        (request, [one.ok(), other.ok()])
    }

    async fn accept(&self, offer: &str) -> Answer {
        let path = format!("/offers/{offer}/accept");
        let key = format!("accept-{offer}");
        insist(|| self.consumer.post(&path, json!({"version": 1})).key(&key)).await
    }
}

/// Repeats a call until the response is not a failure of the server.
async fn insist(call: impl Fn() -> Call) -> Answer {
    loop {
        match call().try_send().await {
            Ok(answer) if answer.status < 500 => return answer,
            _ => pause().await,
        }
    }
}

/// The pause between retries of a client whose server is down.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
