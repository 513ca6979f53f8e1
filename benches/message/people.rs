//! The parties of the rooms, inserted before the server starts: logins over HTTP would spend their time hashing
//! passwords.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use souk::auth::Auth;
use souk::clock::Clock;
use souk::config::Settings;
use souk::db::Db;
use souk::domain::money::PriceRange;
use souk::domain::place::Place;
use souk::domain::requests::{self, Description, NewRequest, Opening, RequestDetails, Title};
use souk::domain::sessions::{self, NewSession};
use souk::domain::users::{DisplayName, Plan, Registration, Role, service};
use souk::ids::{CallId, UserId};
use souk::server;

pub(crate) const JWT_SECRET: &str = "6f1d0c5be2a94783b1a7c9d2e4f60811";

/// A chat, and the tokens of its two parties.
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) tokens: [String; 2],
}

/// Rooms for a server that does not ask who comes.
pub(crate) fn nobody(count: usize) -> Vec<Room> {
    let room = |number| Room { name: format!("session:{number:036}"), tokens: Default::default() };
    (0..count).map(room).collect()
}

/// A database with this many chats, each of a consumer and a provider of its own.
pub(crate) async fn settle(file: &Path, count: usize) -> Vec<Room> {
    let flags = ["--jwt-secret", JWT_SECRET, "--database-url", file.to_str().unwrap()];
    let config = Settings::given(flags).unwrap().into_config().unwrap();
    let clock = Clock::system();
    let db = Db::open(&server::db_config(&config.database), clock.clone(), Arc::new(())).unwrap();
    let auth = Auth::open(&config, db.clone(), clock).unwrap();
    let chats = (0..count).map(|number| chat(&db, &auth, number));
    let rooms = futures_util::stream::iter(chats).buffered(64).collect().await;
    db.close().await;
    rooms
}

async fn chat(db: &Db, auth: &Auth, number: usize) -> Room {
    let (consumer, consumer_token) =
        join(db, auth, &format!("ana{number}@example.com"), Role::Consumer).await;
    let (provider, provider_token) =
        join(db, auth, &format!("ben{number}@example.com"), Role::Provider).await;
    let call: CallId = "bench".parse().unwrap();
    let scope = auth.authenticate(&consumer_token, call).await.unwrap();
    let opened = db.write(move |uow| {
        let details = RequestDetails {
            category: "plumbing".parse().unwrap(),
            title: Title::parse("A tap").unwrap(),
            description: Description::parse("It drips.").unwrap(),
            budget: PriceRange::new(None, None, "EUR".parse().unwrap()).unwrap(),
            place: Place::default(),
            wanted_at: None,
        };
        let request_id =
            requests::create(uow, &scope, &NewRequest { details, opening: Opening::Open(None) })?.id;
        sessions::open(uow, &NewSession { request_id, consumer_user: consumer, provider_user: provider })
    });
    Room { name: opened.await.unwrap().room().to_string(), tokens: [consumer_token, provider_token] }
}

/// A user, with a password hash that no password matches, and their token.
async fn join(db: &Db, auth: &Auth, email: &str, role: Role) -> (UserId, String) {
    let registration = Registration {
        email: email.parse().unwrap(),
        display_name: DisplayName::parse("Somebody").unwrap(),
        role,
        plan: Plan::Free,
        password_hash: "none".to_owned(),
    };
    let id = db.write(move |uow| service::register(uow, &registration)).await.unwrap().id;
    let ttl = Some(Duration::from_secs(2 * 60 * 60));
    (id, auth.mint(&email.parse().unwrap(), ttl).await.unwrap().access_token)
}
