//! The users, inserted before the server starts: ten thousand logins over HTTP would spend their time hashing
//! passwords.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use futures_util::StreamExt;
use serde_json::Value;
use souk::auth::Auth;
use souk::clock::Clock;
use souk::config::Settings;
use souk::db::Db;
use souk::domain::users::{DisplayName, Plan, Registration, Role, service};
use souk::ids::{CallId, UserId};
use souk::server;

use super::Options;
use super::figures::Figures;
use super::server::JWT_SECRET;

/// Live sessions per user.
pub(crate) const SESSIONS_EACH: usize = 4;

/// Timed calls of `authenticate`, after as many untimed ones.
const LOOKS: usize = 20_000;

/// The database with all users.
pub(crate) struct Town {
    db: Db,
    auth: Auth,
    people: People,
}

/// The tokens of all users.
pub(crate) struct People {
    pub(crate) admin: String,
    /// Tokens of the sessions that stay connected throughout.
    pub(crate) residents: Vec<String>,
    /// Users whose token is revoked.
    pub(crate) jti: Vec<Person>,
    /// Users whose login is ended.
    pub(crate) sid: Vec<Person>,
    /// Users suspended one by one.
    pub(crate) users: Vec<Person>,
    /// Users suspended concurrently.
    pub(crate) crowd: Vec<Person>,
    /// Users removed from a project.
    pub(crate) members: Vec<Person>,
}

/// A user and their token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) token: String,
}

impl Person {
    /// The login of the token.
    pub(crate) fn login(&self) -> String {
        let payload = BASE64.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        claims["sid"].as_str().unwrap().to_owned()
    }
}

impl Town {
    pub(crate) async fn settle(database: &str, options: &Options) -> Self {
        let flags = ["--jwt-secret", JWT_SECRET, "--database-url", database];
        let config = Settings::given(flags).unwrap().into_config().unwrap();
        let clock = Clock::system();
        let db = Db::open(&server::db_config(&config.database), clock.clone(), Arc::new(())).unwrap();
        let auth = Auth::open(&config, db.clone(), clock).unwrap();
        let settlers = Settlers { db: &db, auth: &auth };
        let people = People {
            admin: settlers.many("admin", Role::Admin, 1).await.remove(0).token,
            residents: settlers.tokens("resident", options.sessions).await,
            jti: settlers.many("jti", Role::Consumer, options.times).await,
            sid: settlers.many("sid", Role::Consumer, options.times).await,
            users: settlers.many("user", Role::Consumer, options.times).await,
            crowd: settlers.many("crowd", Role::Consumer, options.times / 2).await,
            members: settlers.many("member", Role::Consumer, options.times).await,
        };
        Self { db, auth, people }
    }

    /// Measures `authenticate`: the cost of resolving a token to its user.
    pub(crate) async fn authenticate_again_and_again(&self) {
        let call: CallId = "bench".parse().unwrap();
        let tokens = || self.people.residents.iter().cycle().take(LOOKS);
        for token in tokens() {
            self.auth.authenticate(token, call).await.unwrap();
        }
        let mut figures = Figures::default();
        for token in tokens() {
            let began = Instant::now();
            self.auth.authenticate(token, call).await.unwrap();
            figures.add_time(began.elapsed());
        }
        let began = Instant::now();
        let at_once = futures_util::stream::iter(tokens())
            .map(|token| self.auth.authenticate(token, call))
            .buffer_unordered(32)
            .fold(0, async |count, scope| count + usize::from(scope.is_ok()))
            .await;
        let throughput = at_once as f64 / began.elapsed().as_secs_f64();
        println!(
            "authenticating a good token (HS256; no cache: login, user, pair and revocation are read each time, from \
             SQLite\nwith its pages in memory): mean {:.0} µs, p50 {:.0} µs, p99 {:.0} µs of {}; 32 at once {:.0}/s\n",
            figures.mean() * 1e6,
            figures.percentile(50.0) * 1e6,
            figures.percentile(99.0) * 1e6,
            figures.len(),
            throughput,
        );
    }

    /// Closes the database, which the server opens next.
    pub(crate) async fn close(self) -> People {
        self.db.close().await;
        self.people
    }
}

struct Settlers<'a> {
    db: &'a Db,
    auth: &'a Auth,
}

impl Settlers<'_> {
    async fn many(&self, name: &str, role: Role, count: usize) -> Vec<Person> {
        let arriving = (0..count).map(|number| async move {
            let email = format!("{name}{number}@example.com");
            let id = self.register(&email, role).await;
            Person { id, token: self.token(&email).await }
        });
        futures_util::stream::iter(arriving).buffered(256).collect().await
    }

    /// Tokens of new users, several per user.
    async fn tokens(&self, name: &str, count: usize) -> Vec<String> {
        let users = count.div_ceil(SESSIONS_EACH);
        let arriving = (0..users).map(|number| async move {
            let email = format!("{name}{number}@example.com");
            self.register(&email, Role::Consumer).await;
            email
        });
        let emails: Vec<String> = futures_util::stream::iter(arriving).buffered(256).collect().await;
        let tokens = (0..count).map(|number| self.token(&emails[number % users]));
        futures_util::stream::iter(tokens).buffered(256).collect().await
    }

    /// With a password hash that no password matches.
    async fn register(&self, email: &str, role: Role) -> UserId {
        let registration = Registration {
            email: email.parse().unwrap(),
            display_name: DisplayName::parse("Somebody").unwrap(),
            role,
            plan: Plan::Free,
            password_hash: "none".to_owned(),
        };
        self.db.write(move |uow| service::register(uow, &registration)).await.unwrap().id
    }

    async fn token(&self, email: &str) -> String {
        let ttl = Some(Duration::from_secs(2 * 60 * 60));
        self.auth.mint(&email.parse().unwrap(), ttl).await.unwrap().access_token
    }
}
