//! Direct access to the database, to make events happen in rooms.

use std::ops::RangeInclusive;

use souk::domain::Error;
use souk::domain::money::PriceRange;
use souk::domain::place::Place;
use souk::domain::requests::{self, Description, NewRequest, Opening, RequestDetails, Title};
use souk::domain::sessions::{self, NewSession};
use souk::events::DomainEvent;
use souk::ids::Room;

use crate::support::{Person, TestApp};

/// Opens a session of these users about a new request of the consumer's; returns its room.
pub(super) async fn db_session(app: &TestApp, consumer: &Person, provider: &Person) -> String {
    let scope = app.db_scope(consumer).await;
    let (consumer_user, provider_user) = (consumer.id.parse().unwrap(), provider.id.parse().unwrap());
    let opened = app.server.db.write(move |uow| {
        let details = RequestDetails {
            category: "plumbing".parse().unwrap(),
            title: Title::parse("A tap").unwrap(),
            description: Description::parse("It drips.").unwrap(),
            budget: PriceRange::new(None, None, "EUR".parse().unwrap()).unwrap(),
            place: Place::default(),
            wanted_at: None,
        };
        let new = NewRequest { details, opening: Opening::Open(None) };
        let request_id = requests::create(uow, &scope, &new)?.id;
        sessions::open(uow, &NewSession { request_id, consumer_user, provider_user })
    });
    opened.await.unwrap().room().to_string()
}

/// A domain event for tests, in any room.
#[derive(serde::Serialize)]
struct Rang {
    times: u32,
    #[serde(skip)]
    room: Room,
}

impl DomainEvent for Rang {
    fn kind(&self) -> &'static str {
        "bell.rang"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![self.room.clone()]
    }

    fn for_admins(&self) -> bool {
        false
    }
}

/// Records an event in a room.
pub(super) async fn db_ring(app: &TestApp, room: &str, times: u32) {
    db_ring_all(app, room, times..=times).await;
}

/// Records events in a room, all in one commit.
pub(super) async fn db_ring_all(app: &TestApp, room: &str, times: RangeInclusive<u32>) {
    let room: Room = room.parse().unwrap();
    let rung = app.server.db.write(move |uow| {
        for times in times.clone() {
            uow.record(None, &Rang { times, room: room.clone() });
        }
        Ok::<_, Error>(())
    });
    rung.await.unwrap();
}
