//! Who is live in these tests, and the doors through which they get what they need.

use serde_json::{Value, json};
use souk::db::DbError;
use souk::domain::Error;
use souk::domain::money::PriceRange;
use souk::domain::place::Place;
use souk::domain::requests::{self, Brief, Description, NewRequest, Opening, Title};
use souk::domain::sessions::{self, NewSession};
use souk::events::Fact;
use souk::ids::{CallId, Room, UserId};

use crate::support::{Socket, TestApp};

pub(super) const PASSWORD: &str = "correct horse battery";

/// Somebody with a token.
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) email: String,
    pub(super) token: String,
}

impl Person {
    /// Registers.
    pub(super) async fn new(app: &TestApp, name: &str, role: &str) -> Self {
        let email = format!("{name}@example.com");
        let form = json!({"email": email, "password": PASSWORD, "role": role});
        Self::of(app.anyone().post("/auth/register", form).await.ok())
    }

    /// Somebody whom the operators made an admin.
    pub(super) async fn admin(app: &TestApp, name: &str) -> Self {
        let person = Self::new(app, name, "consumer").await;
        let user = person.user;
        let change = app.server.db.write(move |uow| {
            use diesel::prelude::*;
            use souk::db::schema::users;
            diesel::update(users::table.find(user)).set(users::role.eq("admin")).execute(uow.conn())?;
            Ok::<_, DbError>(())
        });
        change.await.unwrap();
        let form = json!({"email": person.email, "password": PASSWORD});
        Self::of(app.anyone().post("/auth/token", form).await.ok())
    }

    fn of(signed_in: Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            user: text(&signed_in["user"]["id"]).parse().unwrap(),
            email: text(&signed_in["user"]["email"]),
            token: text(&signed_in["access_token"]),
        }
    }

    /// Live, and greeted.
    pub(super) async fn connect(&self, app: &TestApp) -> Socket {
        let mut socket = Socket::connect(app.address, &self.path()).await;
        socket.recv("connection_established").await;
        socket
    }

    /// Where they connect.
    pub(super) fn path(&self) -> String {
        format!("/ws?token={}", self.token)
    }

    /// Their own room.
    pub(super) fn room(&self) -> String {
        format!("user:{}", self.user)
    }
}

/// A chat session of these two, about a request of the consumer's; its room.
pub(super) async fn db_session(app: &TestApp, consumer: &Person, provider: &Person) -> String {
    let call = CallId::new(app.clock.now());
    let scope = app.server.auth.authenticate(&consumer.token, call).await.unwrap();
    let (consumer_user, provider_user) = (consumer.user, provider.user);
    let opened = app.server.db.write(move |uow| {
        let brief = Brief {
            category: "plumbing".parse().unwrap(),
            title: Title::parse("A tap").unwrap(),
            description: Description::parse("It drips.").unwrap(),
            budget: PriceRange::new(None, None, "EUR".parse().unwrap()).unwrap(),
            place: Place::default(),
            wanted_at: None,
        };
        let new = NewRequest { brief, opening: Opening::Open(None) };
        let request_id = requests::create(uow, &scope, &new)?.id;
        sessions::open(uow, &NewSession { request_id, consumer_user, provider_user })
    });
    opened.await.unwrap().room().to_string()
}

/// Something that happens in a room.
#[derive(serde::Serialize)]
struct Rang {
    times: u32,
    #[serde(skip)]
    room: Room,
}

impl Fact for Rang {
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

/// Makes something happen in a room.
pub(super) async fn db_ring(app: &TestApp, room: &str, times: u32) {
    let room: Room = room.parse().unwrap();
    let rung = app.server.db.write(move |uow| {
        uow.record(None, &Rang { times, room: room.clone() });
        Ok::<_, Error>(())
    });
    rung.await.unwrap();
}
