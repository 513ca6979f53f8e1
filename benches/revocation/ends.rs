//! Ends rights, and measures the time until clients notice.

use std::time::Instant;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::figures::Figures;
use super::people::{People, Person, SESSIONS_EACH};
use super::server::Server;
use super::socket::{self, Seen, Session, Socket};

/// Members of one project.
const MEMBERS: usize = 10;

/// Target for the 99th percentile, in seconds.
const AIM: f64 = 1.0;

pub(crate) struct Ends<'a> {
    pub(crate) server: &'a Server,
    pub(crate) town: &'a People,
    pub(crate) at_once: usize,
}

/// When the request was sent, and when its response had arrived.
struct Called {
    sent: Instant,
    answered: Instant,
}

/// The times until clients noticed.
#[derive(Default)]
struct Shown {
    since_sent: Figures,
    since_answered: Figures,
}

impl Shown {
    fn add(&mut self, called: &Called, seen: Instant) {
        self.since_sent.add((seen - called.sent).as_secs_f64());
        let late = seen.saturating_duration_since(called.answered).as_secs_f64();
        let early = called.answered.saturating_duration_since(seen).as_secs_f64();
        self.since_answered.add(late - early);
    }

    fn print(&self, what: &str) {
        let aim = if self.since_sent.percentile(99.0) <= AIM { "met" } else { "MISSED" };
        println!("{what} ({} sessions):", self.since_sent.len());
        println!("  since the request {}", self.since_sent.in_ms());
        println!("  since the answer  {}  (aim: p99 within 1 s: {aim})", self.since_answered.in_ms());
    }
}

impl Ends<'_> {
    pub(crate) async fn measure(&self) {
        let revoked = Seen::Closed(4001);
        let suspended = Seen::Closed(4002);
        self.one_by_one("a token, by its jti", &self.town.jti, 1, revoked, |person| {
            (Method::POST, "/auth/revoke".to_owned(), json!({"token": person.token}))
        })
        .await;
        self.one_by_one("a login, by its sid", &self.town.sid, 2, revoked, |person| {
            (Method::DELETE, format!("/admin/logins/{}", person.login()), Value::Null)
        })
        .await;
        self.one_by_one("a user, suspended", &self.town.users, SESSIONS_EACH, suspended, suspend).await;
        self.memberships().await;
        self.at_once().await;
    }

    async fn call(&self, (method, path, body): (Method, String, Value)) -> Called {
        let sent = Instant::now();
        self.server.call(method, &path, &self.town.admin, body).await;
        Called { sent, answered: Instant::now() }
    }

    async fn sessions_of(&self, person: &Person, count: usize) -> Vec<Session> {
        let bearer = Some(format!("Authorization: Bearer {}", person.token));
        socket::connect_all(self.server.address, &vec![bearer; count], self.at_once).await
    }

    async fn one_by_one(
        &self,
        what: &str,
        people: &[Person],
        sessions_each: usize,
        told: Seen,
        end: impl Fn(&Person) -> (Method, String, Value),
    ) {
        let mut victims = Vec::new();
        for person in people {
            victims.push((person, self.sessions_of(person, sessions_each).await));
        }
        let mut shown = Shown::default();
        for (person, sessions) in &mut victims {
            let called = self.call(end(person)).await;
            for session in sessions {
                shown.add(&called, session.when(told).await);
            }
        }
        shown.print(what);
    }

    /// Suspends many users concurrently.
    async fn at_once(&self) {
        let mut victims = Vec::new();
        for person in &self.town.crowd {
            victims.push(self.sessions_of(person, SESSIONS_EACH).await);
        }
        let called = join_all(self.town.crowd.iter().map(|person| self.call(suspend(person)))).await;
        let mut shown = Shown::default();
        for (called, sessions) in called.iter().zip(&mut victims) {
            for session in sessions {
                shown.add(called, session.when(Seen::Closed(4002)).await);
            }
        }
        shown.print(&format!("{} users, suspended at once", self.town.crowd.len()));
    }

    async fn memberships(&self) {
        let mut members = Vec::new();
        for people in self.town.members.chunks(MEMBERS) {
            let project = json!({"title": "A house"});
            let project = self.server.call(Method::POST, "/projects", &self.town.admin, project).await;
            let project = project["id"].as_str().unwrap().to_owned();
            for person in people {
                let place = format!("/projects/{project}/members/{}", person.id);
                let role = json!({"role": "viewer"});
                self.server.call(Method::PUT, &place, &self.town.admin, role).await;
                let bearer = format!("Authorization: Bearer {}", person.token);
                let mut socket = Socket::connect(self.server.address, Some(&bearer)).await;
                socket.join(&format!("project:{project}")).await;
                members.push((place, socket.listen()));
            }
        }
        let mut shown = Shown::default();
        for (place, session) in &mut members {
            let called = self.call((Method::DELETE, place.clone(), Value::Null)).await;
            shown.add(&called, session.when(Seen::Left).await);
        }
        shown.print("a membership, told by a notice");
    }
}

fn suspend(person: &Person) -> (Method, String, Value) {
    (Method::POST, format!("/admin/users/{}/suspend", person.id), json!({"reason": "bench"}))
}
