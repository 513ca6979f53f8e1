//! Users, and what is theirs, inserted before the server starts: logins over HTTP would spend their time hashing
//! passwords.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use souk::auth::Auth;
use souk::clock::Clock;
use souk::config::Settings;
use souk::db::{Db, UnitOfWork};
use souk::domain::Error;
use souk::domain::money::PriceRange;
use souk::domain::place::Place;
use souk::domain::policy::Scope;
use souk::domain::requests::{self, Description, NewRequest, Opening, RequestDetails, Title};
use souk::domain::users::{DisplayName, Plan, Registration, Role, service};
use souk::ids::{CallId, RequestId, UserId};
use souk::server;

use super::process::JWT_SECRET;

/// A database before it is served.
pub(crate) struct Marketplace {
    pub(crate) db: Db,
    auth: Auth,
    /// Begins every email address, so that one database can be used again.
    run: String,
}

/// A user and their token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) scope: Scope,
    pub(crate) token: String,
}

impl Marketplace {
    pub(crate) fn open(database: &str) -> Self {
        let flags = ["--jwt-secret", JWT_SECRET, "--database-url", database];
        let config = Settings::given(flags).unwrap().into_config().unwrap();
        let clock = Clock::system();
        let db = Db::open(&server::db_config(&config.database), clock.clone(), Arc::new(())).unwrap();
        let auth = Auth::open(&config, db.clone(), clock).unwrap();
        let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap();
        Self { db, auth, run: format!("{:x}", since_epoch.as_micros()) }
    }

    /// So many users of this role, with a password hash that no password matches.
    pub(crate) async fn people(&self, role: Role, count: usize) -> Vec<Person> {
        let joining = (0..count).map(|number| self.join(role, number));
        futures_util::stream::iter(joining).buffered(64).collect().await
    }

    async fn join(&self, role: Role, number: usize) -> Person {
        let email = format!("{}-{}-{number}@example.com", self.run, role.as_str());
        let registration = Registration {
            email: email.parse().unwrap(),
            display_name: DisplayName::parse("Somebody").unwrap(),
            role,
            plan: Plan::Free,
            password_hash: "none".to_owned(),
        };
        let id = self.db.write(move |uow| service::register(uow, &registration)).await.unwrap().id;
        let ttl = Some(Duration::from_secs(2 * 60 * 60));
        let token = self.auth.mint(&email.parse().unwrap(), ttl).await.unwrap().access_token;
        let call: CallId = "bench".parse().unwrap();
        let scope = self.auth.authenticate(&token, call).await.unwrap();
        Person { id, scope, token }
    }

    pub(crate) async fn close(self) {
        self.db.close().await;
    }
}

/// An open request of this consumer.
pub(crate) fn open_request(uow: &mut UnitOfWork<'_>, consumer: &Scope) -> Result<RequestId, Error> {
    let details = RequestDetails {
        category: "plumbing".parse().unwrap(),
        title: Title::parse("A tap").unwrap(),
        description: Description::parse("It drips.").unwrap(),
        budget: PriceRange::new(None, None, "EUR".parse().unwrap()).unwrap(),
        place: Place::default(),
        wanted_at: None,
    };
    Ok(requests::create(uow, consumer, &NewRequest { details, opening: Opening::Open(None) })?.id)
}

/// The tokens of so many new users of a database that nothing serves yet.
pub(crate) fn tokens(database: &str, role: Role, count: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let marketplace = Marketplace::open(database);
        let people = marketplace.people(role, count).await;
        marketplace.close().await;
        people.into_iter().map(|person| person.token).collect()
    })
}
