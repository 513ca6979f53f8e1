//! The users of the tests. Consumers and providers register over HTTP; what HTTP does not offer (an admin, a
//! suspended user, an expired token) is made by functions whose names begin with `db_`.

use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use souk::auth::{NewPassword, SignUp};
use souk::domain::users::{DisplayName, Plan, Reason, Role, service};
use souk::ids::{CallId, UserId};

use super::{Client, Socket, TestApp};

/// Password of every test user.
pub const PASSWORD: &str = "correct horse battery";

/// A signed-in user; dereferences to its [`Client`].
#[derive(Clone)]
pub struct Person {
    client: Client,
    /// User id.
    pub id: String,
    /// Email address.
    pub email: String,
    /// Id of the provider or consumer profile; empty for admins.
    pub profile: String,
}

impl Deref for Person {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Person {
    /// Registers a user at this client's server, in this process or another.
    pub async fn register(anyone: &Client, name: &str, role: &str) -> Self {
        let email = format!("{name}@example.com");
        let form = json!({"email": email, "password": PASSWORD, "role": role, "display_name": name});
        let tokens = anyone.post("/auth/register", form).await.ok();
        Self::of(anyone.with_token(tokens["access_token"].as_str().unwrap())).await
    }

    /// The user of this client's token.
    pub async fn of(client: Client) -> Self {
        let me = client.get("/auth/me").await.ok();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let profile = text(&me["consumer_id"]) + &text(&me["provider_id"]);
        Self { client, id: text(&me["id"]), email: text(&me["email"]), profile }
    }

    /// Connects to `/ws` and waits for the greeting.
    pub async fn live(&self) -> Socket {
        let mut socket = Socket::connect(self.address(), &self.live_path()).await;
        socket.recv("connection_established").await;
        socket
    }

    /// Path and query to connect to `/ws` with the user's token.
    pub fn live_path(&self) -> String {
        format!("/ws?token={}", self.token().expect("somebody who is signed in has a token"))
    }

    /// The user's own room.
    pub fn room(&self) -> String {
        format!("user:{}", self.id)
    }

    /// The user id, for functions that bypass HTTP.
    pub fn user(&self) -> UserId {
        self.id.parse().unwrap()
    }

    /// The room's whole event log, as a newly joining client gets it.
    pub async fn read_log(&self, room: &str) -> Vec<Value> {
        let mut socket = self.live().await;
        socket.ack(json!({"type": "join", "room": room})).await;
        let (mut log, mut before) = (Vec::new(), Value::Null);
        loop {
            let mut page = json!({"type": "history", "room": room, "limit": 100});
            if !before.is_null() {
                page["before"] = before;
            }
            let answer = socket.ack(page).await;
            let events = answer["events"].as_array().unwrap().clone();
            before = events.first().map_or(Value::Null, |event| event["seq"].clone());
            log.splice(0..0, events);
            if answer["has_more"] == false {
                return log;
            }
        }
    }
}

impl TestApp {
    /// Registers a consumer of this name.
    pub async fn consumer(&self, name: &str) -> Person {
        self.register(name, "consumer").await
    }

    /// Registers a provider of this name.
    pub async fn provider(&self, name: &str) -> Person {
        self.register(name, "provider").await
    }

    async fn register(&self, name: &str, role: &str) -> Person {
        Person::register(&self.anyone(), name, role).await
    }

    /// The user of this token.
    pub async fn person(&self, token: &str) -> Person {
        Person::of(self.with_token(token)).await
    }

    /// Logs in a user registered before, as a further login.
    pub async fn log_in(&self, name: &str) -> Person {
        let form = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        let tokens = self.anyone().post("/auth/token", form).await.ok();
        self.person(tokens["access_token"].as_str().unwrap()).await
    }

    /// Creates an admin of this name, which is not possible over HTTP.
    pub async fn db_admin(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let sign_up = SignUp {
            email: email.parse().unwrap(),
            password: NewPassword::parse(PASSWORD).unwrap(),
            display_name: DisplayName::parse(name).unwrap(),
            role: Role::Admin,
            plan: Plan::Free,
        };
        self.server.auth.enroll(sign_up).await.unwrap();
        self.person(&self.db_token(&email, Duration::from_secs(1800)).await).await
    }

    /// A further token of a user, valid for `ttl`.
    pub async fn db_token(&self, email: &str, ttl: Duration) -> String {
        self.server.auth.mint(&email.parse().unwrap(), Some(ttl)).await.unwrap().access_token
    }

    /// Suspends a user, as this admin.
    pub async fn db_suspend(&self, admin: &Person, who: &Person) {
        let call = CallId::new(self.clock.now());
        let scope = self.server.auth.authenticate(admin.token().unwrap(), call).await.unwrap();
        let who = who.id.parse().unwrap();
        let reason = Reason::parse("for the test").unwrap();
        let suspend = self.server.db.write(move |uow| service::suspend(uow, &scope, who, &reason));
        suspend.await.unwrap();
    }
}
