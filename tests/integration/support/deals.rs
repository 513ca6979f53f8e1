//! The usual way from a request to a booking, for tests that are about what comes after.

use std::time::Duration;

use serde_json::{Value, json};
use souk::domain::users::{self, Role};
use souk::ids::CallId;

use super::{Person, TestApp};

/// Where the work is: what only a booking's parties may read.
pub const ADDRESS: &str = "Torstr. 1, 4th floor";

const HOUR: u64 = 60 * 60;

impl TestApp {
    /// A moment so many hours from now.
    pub fn hours(&self, ahead: u64) -> Value {
        json!(self.clock.now().plus(Duration::from_secs(ahead * HOUR)))
    }

    /// An hour that begins so many hours from now.
    pub fn slot(&self, hours_ahead: u64) -> Value {
        json!({"start": self.hours(hours_ahead), "end": self.hours(hours_ahead + 1)})
    }

    /// Somebody asks for a plumber.
    pub async fn request(&self, consumer: &Person) -> Value {
        consumer.post("/requests", usual_request()).await.ok()
    }

    /// Somebody offers to come in a hundred hours.
    pub async fn offer(&self, provider: &Person, request: &Value) -> Value {
        self.offer_at(provider, request, 100).await
    }

    /// Somebody offers to come in so many hours.
    pub async fn offer_at(&self, provider: &Person, request: &Value, hours_ahead: u64) -> Value {
        let offer = self.usual_offer(hours_ahead);
        provider.post(&format!("/requests/{}/offers", id(request)), offer).await.ok()
    }

    /// What the usual offer says.
    pub fn usual_offer(&self, hours_ahead: u64) -> Value {
        json!({
            "price": {"amount": 4900, "currency": "EUR"},
            "message": "I can do that.",
            "slot": self.slot(hours_ahead),
        })
    }

    /// Somebody accepts an offer as they saw it; answers with the booking.
    pub async fn accept(&self, consumer: &Person, offer: &Value) -> Value {
        let path = format!("/offers/{}/accept", id(offer));
        let accepted = consumer.post(&path, json!({"version": offer["version"]})).await.ok();
        consumer.get(&format!("/bookings/{}", accepted["booking_id"].as_str().unwrap())).await.ok()
    }

    /// From nothing to a booking of the two.
    pub async fn booking(&self, consumer: &Person, provider: &Person) -> Value {
        let request = self.request(consumer).await;
        let offer = self.offer(provider, &request).await;
        self.accept(consumer, &offer).await
    }

    /// The kinds of what happened in a room, oldest first.
    pub async fn db_kinds(&self, room: &str) -> Vec<String> {
        self.db_events(room).await.iter().map(|event| event.kind.to_string()).collect()
    }
}

impl TestApp {
    /// Moves somebody to another side of the marketplace, as an admin; answers with who they are then.
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

/// What the usual request says.
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
