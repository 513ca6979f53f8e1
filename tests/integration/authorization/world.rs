//! The rows that callers act on, created anew for each call that may change them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::rows::{ROWS, Whose};
use crate::support::{Client, Person, Socket, TestApp, eventually};

/// How far a request has come, and which other rows exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// No rows.
    None,
    /// Only private rows of ana's.
    Private,
    /// Ana has a project with a task; ben is a viewer.
    Planned,
    /// A draft.
    Draft,
    /// Published.
    Open,
    /// With an offer by ben.
    Offered,
    /// With ben's offer accepted.
    Booked,
    /// With the work started.
    Started,
    /// Only a newly registered user with a live connection.
    Watched,
}

impl Stage {
    /// The stage of this name in `matrix.txt`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "private" => Self::Private,
            "planned" => Self::Planned,
            "draft" => Self::Draft,
            "open" => Self::Open,
            "offered" => Self::Offered,
            "booked" => Self::Booked,
            "started" => Self::Started,
            "watched" => Self::Watched,
            _ => return None,
        })
    }
}

/// The users, shared by all calls.
pub(super) struct People {
    pub(super) anonymous: Client,
    /// Owns requests.
    pub(super) ana: Person,
    /// A provider with a catalogue; makes offers.
    pub(super) ben: Person,
    /// Another consumer.
    pub(super) carl: Person,
    /// Another provider.
    pub(super) dora: Person,
    pub(super) admin: Person,
    pub(super) suspended: Client,
    pub(super) expired: Client,
    pub(super) revoked: Client,
}

impl People {
    pub(super) async fn come(app: &TestApp) -> Self {
        let admin = app.db_admin("root").await;
        let sam = app.consumer("sam").await;
        app.db_suspend(&admin, &sam).await;
        let ana = app.consumer("ana").await;
        let expired = app.with_token(&app.db_token(&ana.email, Duration::from_secs(1)).await);
        app.clock.advance(Duration::from_secs(10));
        let revoked = app.with_token(&app.db_token(&ana.email, Duration::from_secs(600)).await);
        revoked.post("/auth/logout", Value::Null).await.ok();
        Self {
            anonymous: app.anyone(),
            ben: app.provider("ben").await,
            carl: app.consumer("carl").await,
            dora: app.provider("dora").await,
            admin,
            suspended: app.with_token(sam.token().unwrap()),
            expired,
            revoked,
            ana,
        }
    }

    /// Who owns what is acted on.
    pub(super) fn owner(&self, whose: Whose) -> &Person {
        match whose {
            Whose::Ana => &self.ana,
            Whose::Ben => &self.ben,
        }
    }
}

/// Ids of the rows.
#[derive(Default)]
pub(super) struct World {
    pub(super) consumer: String,
    pub(super) provider: String,
    pub(super) service: String,
    pub(super) template: String,
    pub(super) photo: String,
    pub(super) request: String,
    pub(super) offer: String,
    pub(super) booking: String,
    pub(super) session: String,
    pub(super) member: String,
    pub(super) task: String,
    pub(super) column: String,
    /// Of carl.
    pub(super) invitation: String,
    pub(super) reflection: String,
    pub(super) message: String,
    pub(super) masterplan: String,
    pub(super) login: String,
    /// What a row `POST /<name>` of the stage has made, by that name.
    pub(super) made: BTreeMap<&'static str, String>,
    /// The user id of ana, who owns most of it.
    pub(super) owner: String,
    /// A newly registered user, for administration.
    pub(super) newcomer: String,
    /// That user's live connection.
    pub(super) connection: String,
    live: Option<Socket>,
    /// Distinguishes this world from all others.
    pub(super) number: u64,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

impl World {
    pub(super) async fn at(app: &TestApp, people: &People, stage: Stage) -> Self {
        let (ana, ben) = (&people.ana, &people.ben);
        let mut world = World {
            owner: ana.id.clone(),
            consumer: ana.profile.clone(),
            provider: ben.profile.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            ..World::default()
        };
        if stage == Stage::None {
            let shop = format!("/providers/{}", ben.profile);
            world.service = id(&ben.post(&format!("{shop}/services"), service()).await.ok());
            world.template = id(&ben.post(&format!("{shop}/templates"), template()).await.ok());
            world.photo = id(&ben.post(&format!("{shop}/portfolio"), photo()).await.ok());
            let token = app.db_token(&ana.email, Duration::from_secs(600)).await;
            let logins = app.with_token(&token).get("/auth/sessions").await.ok();
            let logins = logins["items"].as_array().or(logins.as_array()).unwrap();
            let current = logins.iter().find(|login| login["current"] == true);
            world.login = id(current.unwrap_or_else(|| panic!("no current login in {logins:?}")));
            return world;
        }
        if stage == Stage::Private {
            world.make_all(app, people, stage).await;
            world.make(app, people, "projects").await;
            let reflections = format!("/entries/{}/reflections", world.made["entries"]);
            world.reflection = id(&ana.post(&reflections, json!({})).await.ok());
            let reflection = format!("{reflections}/{}", world.reflection);
            eventually(async || ana.get(&reflection).await.ok()["status"] == "done").await;
            let messages = format!("/conversations/{}/messages", world.made["conversations"]);
            world.message = id(&ana.post(&messages, json!({"text": "What now?"})).await.ok());
            let answer = format!("{messages}/{}", world.message);
            eventually(async || ana.get(&answer).await.ok()["status"] == "done").await;
            let plans = format!("/conversations/{}/masterplan", world.made["conversations"]);
            world.masterplan = id(&ana.post(&plans, masterplan()).await.ok());
            return world;
        }
        if stage == Stage::Planned {
            world.make_all(app, people, stage).await;
            world.member = ben.id.clone();
            let project = format!("/projects/{}", world.made["projects"]);
            ana.put(&format!("{project}/members/{}", ben.id), json!({"role": "viewer"})).await.ok();
            world.task = id(&ana.post(&format!("{project}/tasks"), task()).await.ok());
            let carl = json!({"user_id": people.carl.id, "role": "viewer"});
            world.invitation = id(&ana.post(&format!("{project}/invitations"), carl).await.ok());
            world.column = id(&ana.get(&format!("{project}/columns")).await.ok()["items"][2]);
            return world;
        }
        if stage == Stage::Watched {
            let newcomer = app.consumer(&format!("newcomer{}", world.number)).await;
            let mut live = Socket::connect(app.address, &newcomer.live_path()).await;
            world.connection =
                live.recv("connection_established").await["session_id"].as_str().unwrap().into();
            world.login = id(&newcomer.get("/auth/sessions").await.ok()["items"][0]);
            world.newcomer = newcomer.id.clone();
            world.live = Some(live);
            return world;
        }
        let opening = if stage == Stage::Draft { "draft" } else { "open" };
        world.request = id(&ana.post("/requests", request(opening)).await.ok());
        if stage >= Stage::Offered {
            let path = format!("/requests/{}/offers", world.request);
            let offer = ben.post(&path, offer(app, &world)).await.ok();
            world.offer = id(&offer);
            let sessions = ana.get("/sessions?limit=1").await.ok();
            world.session = id(&sessions["items"][0]);
        }
        if stage >= Stage::Booked {
            let accepted =
                ana.post(&format!("/offers/{}/accept", world.offer), json!({"version": 1})).await.ok();
            let bookings = ana.get("/bookings?limit=1").await.ok();
            world.booking = id(&bookings["items"][0]);
            assert_eq!(bookings["items"][0]["offer_id"], world.offer.as_str(), "{accepted}");
        }
        if stage >= Stage::Started {
            ben.post(&format!("/bookings/{}/start", world.booking), Value::Null).await.ok();
        }
        world
    }

    /// Makes what each row `POST /<collection>` of this stage makes.
    async fn make_all(&mut self, app: &TestApp, people: &People, stage: Stage) {
        for row in ROWS.iter().filter(|row| row.stage == stage) {
            if let Some(collection) = row.collection() {
                self.make(app, people, collection).await;
            }
        }
    }

    /// Makes what the row `POST /<collection>` makes, as the one whose it is to be.
    async fn make(&mut self, app: &TestApp, people: &People, collection: &'static str) {
        let row = ROWS.iter().find(|row| row.collection() == Some(collection)).unwrap();
        let owner = people.owner(row.whose);
        let made = owner.post(&row.path(app, self), row.body(app, self)).await.ok();
        self.made.insert(collection, id(&made));
    }

    /// The id of what was made by `POST /<collection>`, if anything was.
    fn made(&self, collection: &str) -> &str {
        self.made.get(collection).map_or("", String::as_str)
    }

    /// A path, query or body of `matrix.txt` with the world's values filled in: the parameters of the path, and
    /// the names after `$`.
    pub(super) fn fill(&self, app: &TestApp, text: &str) -> String {
        let id = match text.split('/').nth(1).unwrap_or_default() {
            "providers" => &self.provider,
            "consumers" => &self.consumer,
            "requests" => &self.request,
            "offers" => &self.offer,
            "bookings" => &self.booking,
            "sessions" => &self.session,
            "ws" => self.made("projects"),
            "invitations" => &self.invitation,
            "masterplans" => &self.masterplan,
            "auth" => &self.login,
            "admin" => &self.newcomer,
            collection => self.made(collection),
        };
        let (slot, number) = (slot(app, self).to_string(), self.number.to_string());
        let values = [
            ("id", id),
            ("service_id", &self.service),
            ("template_id", &self.template),
            ("photo_id", &self.photo),
            ("user_id", &self.member),
            ("task_id", &self.task),
            ("column_id", &self.column),
            ("invitation_id", &self.invitation),
            ("reflection_id", &self.reflection),
            ("message_id", &self.message),
            ("sid", &self.login),
            ("connection_id", &self.connection),
            ("room", "market:plumbing"),
            ("owner_id", &self.owner),
            ("offer_id", &self.offer),
            ("project_id", self.made("projects")),
            ("simulation_id", self.made("simulations")),
            ("slot", &slot),
            ("number", &number),
        ];
        values.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value).replace(&format!("${name}"), value)
        })
    }
}

fn request(state: &str) -> Value {
    json!({"category": "plumbing", "title": "Fix the sink", "budget": {"max": 20_000, "currency": "EUR"}, "state": state})
}

/// A slot that no other world has.
fn slot(app: &TestApp, world: &World) -> Value {
    let start = app.clock.now().plus(Duration::from_secs(86_400 + world.number * 3_600));
    json!({"start": start, "end": start.plus(Duration::from_secs(1_800))})
}

fn offer(app: &TestApp, world: &World) -> Value {
    json!({"price": {"amount": 9_000, "currency": "EUR"}, "slot": slot(app, world)})
}

fn service() -> Value {
    let price = json!({"min": 1_000, "max": 2_000, "currency": "EUR"});
    json!({"name": "Pipes", "category": "plumbing", "price": price, "duration_minutes": 60})
}

fn template() -> Value {
    json!({"title": "Usual", "message": "I come tomorrow.", "price": {"amount": 5_000, "currency": "EUR"}})
}

fn photo() -> Value {
    json!({"caption": "A sink"})
}

fn masterplan() -> Value {
    json!({"title": "The bathroom", "text": "The tap drips."})
}

fn task() -> Value {
    json!({"title": "Tiles"})
}
