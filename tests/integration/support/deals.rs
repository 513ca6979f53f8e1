//! The usual steps from a request to a booking, for tests of what follows.

use std::time::Duration;

use serde_json::{Value, json};
use souk::domain::users::{self, Role};
use souk::ids::CallId;

use super::{Person, TestApp};

/// Address of the work, which only the booking's parties may read.
pub const ADDRESS: &str = "Torstr. 1, 4th floor";

const HOUR: u64 = 60 * 60;

impl TestApp {
    /// The time in this many hours.
    pub fn hours(&self, ahead: u64) -> Value {
        json!(self.clock.now().plus(Duration::from_secs(ahead * HOUR)))
    }

    /// A slot of one hour that begins in this many hours.
    pub fn slot(&self, hours_ahead: u64) -> Value {
        json!({"start": self.hours(hours_ahead), "end": self.hours(hours_ahead + 1)})
    }

    /// Posts the usual request.
    pub async fn request(&self, consumer: &Person) -> Value {
        consumer.post("/requests", usual_request()).await.ok()
    }

    /// Submits an offer for in a hundred hours.
    pub async fn offer(&self, provider: &Person, request: &Value) -> Value {
        self.offer_at(provider, request, 100).await
    }

    /// Submits an offer for in this many hours.
    pub async fn offer_at(&self, provider: &Person, request: &Value, hours_ahead: u64) -> Value {
        let offer = self.usual_offer(hours_ahead);
        provider.post(&format!("/requests/{}/offers", id(request)), offer).await.ok()
    }

    /// Body of the usual offer.
    pub fn usual_offer(&self, hours_ahead: u64) -> Value {
        json!({
            "price": {"amount": 4900, "currency": "EUR"},
            "message": "I can do that.",
            "slot": self.slot(hours_ahead),
        })
    }

    /// Accepts an offer at the version given; returns the booking.
    pub async fn accept(&self, consumer: &Person, offer: &Value) -> Value {
        let path = format!("/offers/{}/accept", id(offer));
        let accepted = consumer.post(&path, json!({"version": offer["version"]})).await.ok();
        consumer.get(&format!("/bookings/{}", accepted["booking_id"].as_str().unwrap())).await.ok()
    }

    /// Makes a booking of these users from scratch.
    pub async fn booking(&self, consumer: &Person, provider: &Person) -> Value {
        let request = self.request(consumer).await;
        let offer = self.offer(provider, &request).await;
        self.accept(consumer, &offer).await
    }

    /// Kinds of the room's events, oldest first.
    pub async fn db_kinds(&self, room: &str) -> Vec<String> {
        self.db_events(room).await.iter().map(|event| event.kind.to_string()).collect()
    }
}

impl TestApp {
    /// Changes a user's role, as this admin; returns the user with a new token.
    pub async fn db_change_role(&self, admin: &Person, who: &Person, role: Role) -> Person {
        let call = CallId::new(self.clock.now());
        let scope = self.server.auth.authenticate(admin.token().unwrap(), call).await.unwrap();
        let who_id = who.id.parse().unwrap();
        let change =
            self.server.db.write(move |uow| users::service::change_role(uow, &scope, who_id, role, None));
        change.await.unwrap();
        self.person(&self.db_token(&who.email, Duration::from_secs(1800)).await).await
    }
}

/// Body of the usual request.
pub fn usual_request() -> Value {
    json!({
        "category": "plumbing",
        "title": "A tap drips",
        "description": "Since Tuesday.",
        "budget": {"min": 2000, "max": 9000, "currency": "EUR"},
        "address": ADDRESS,
        "point": {"latitude": 52.529_407, "longitude": 13.401_273},
    })
}

/// The `id` of a representation.
#[track_caller]
pub fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap_or_else(|| panic!("no id: {of}"))
}
