//! A marketplace with a row of every kind, made by calls to a server of its own.

use std::time::Duration;

use serde_json::{Value, json};
use souk::clock::Clock;

use crate::support::{Database, Person, Process, Socket, eventually, id};

/// What there is.
pub(super) struct Marketplace {
    pub(super) ana: String,
    pub(super) ben: String,
    /// Has a journal entry, and nothing else.
    pub(super) carl: String,
    pub(super) carls_entry: String,
    /// Has a data key, and nothing else.
    pub(super) dora: String,
    pub(super) service: String,
    pub(super) template: String,
    pub(super) open_request: String,
    pub(super) deals: Vec<Deal>,
    pub(super) message: String,
    pub(super) board: String,
    pub(super) columns: Vec<String>,
    pub(super) tasks: Vec<String>,
    pub(super) invitation: String,
    pub(super) entry: String,
    pub(super) reflection: String,
    pub(super) said: String,
    pub(super) masterplan: String,
    pub(super) simulation: String,
}

/// A request of ana's with ben's accepted offer.
pub(super) struct Deal {
    pub(super) request: String,
    pub(super) offer: String,
    pub(super) booking: String,
    pub(super) session: String,
    pub(super) project: String,
}

/// How many deals there are; each can be broken in its own way.
const DEALS: u64 = 9;

impl Marketplace {
    /// Makes one in this database; its server has stopped when this returns.
    pub(super) fn make(database: &Database) -> Self {
        let server = Process::start("127.0.0.1:0", &database.url(), &[]);
        let made = actix_web::rt::System::new().block_on(Self::by(&server));
        assert!(server.terminate().success());
        made
    }

    async fn by(server: &Process) -> Self {
        let anyone = server.client(None);
        let ana = Person::register(&anyone, "ana", "consumer").await;
        let ben = Person::register(&anyone, "ben", "provider").await;
        let carl = Person::register(&anyone, "carl", "consumer").await;
        let dora = Person::register(&anyone, "dora", "consumer").await;
        let shop = format!("/providers/{}", ben.profile);
        let price = json!({"amount": 5_000, "currency": "EUR"});
        let range = json!({"min": 1_000, "max": 2_000, "currency": "EUR"});
        let service =
            json!({"name": "Pipes", "category": "plumbing", "price": range, "duration_minutes": 60});
        let service = made(&ben, &format!("{shop}/services"), service).await;
        let template = json!({"title": "Usual", "message": "I come tomorrow.", "price": price});
        let template = made(&ben, &format!("{shop}/templates"), template).await;
        let open_request = made(&ana, "/requests", request()).await;
        made(&ben, &format!("/requests/{open_request}/offers"), offer(1)).await;
        let mut deals = Vec::new();
        for number in 0..DEALS {
            deals.push(deal(&ana, &ben, 10 + number).await);
        }
        called_off_and_agreed_again(&ana, &ben).await;
        let message = talk(&ana, &deals[0].session).await;
        let (board, columns, tasks, invitation) = plan(&ana, &ben).await;

        let entry = ana.post("/entries", json!({"text": "Slept badly."})).key("entry").await.ok();
        let entry = id(&entry).to_owned();
        let reflections = format!("/entries/{entry}/reflections");
        let reflection = written(&ana, &reflections, json!({})).await;
        let carls_entry = made(&carl, "/entries", json!({"text": "Slept well."})).await;
        let doras_entry = made(&dora, "/entries", json!({"text": "Did not sleep."})).await;
        dora.delete(&format!("/entries/{doras_entry}")).await.ok();
        let conversation = made(&ana, "/conversations", Value::Null).await;
        let said =
            written(&ana, &format!("/conversations/{conversation}/messages"), json!({"text": "What now?"}))
                .await;
        let plan = json!({"title": "The bathroom", "text": "The tap drips."});
        let masterplan = made(&ana, &format!("/conversations/{conversation}/masterplan"), plan).await;
        let simulation = json!({"category": "plumbing", "base_price": price, "steps": 10});
        let simulation = simulated(&ana, simulation).await;
        let tokens = json!({"email": ana.email, "password": crate::support::PASSWORD});
        let tokens = anyone.post("/auth/token", tokens).await.ok();
        anyone.post("/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await.ok();
        Self {
            ana: ana.id,
            ben: ben.id,
            carl: carl.id,
            carls_entry,
            dora: dora.id,
            service,
            template,
            open_request,
            deals,
            message,
            board,
            columns,
            tasks,
            invitation,
            entry,
            reflection,
            said,
            masterplan,
            simulation,
        }
    }
}

async fn made(who: &Person, path: &str, body: Value) -> String {
    id(&who.post(path, body).await.ok()).to_owned()
}

/// Like `made`, for what is finished later.
async fn written(who: &Person, path: &str, body: Value) -> String {
    let made = made(who, path, body).await;
    let place = format!("{path}/{made}");
    eventually(async || who.get(&place).await.ok()["status"] == "done").await;
    made
}

async fn simulated(who: &Person, scenario: Value) -> String {
    let simulation = made(who, "/simulations", scenario).await;
    let place = format!("/simulations/{simulation}");
    eventually(async || who.get(&place).await.ok()["state"] == "done").await;
    simulation
}

fn request() -> Value {
    json!({"category": "plumbing", "title": "A tap drips", "budget": {"max": 20_000, "currency": "EUR"}})
}

/// An offer for a slot of its own.
fn offer(hours_ahead: u64) -> Value {
    let start = Clock::system().now().plus(Duration::from_secs(hours_ahead * 3_600));
    let slot = json!({"start": start, "end": start.plus(Duration::from_secs(1_800))});
    json!({"price": {"amount": 9_000, "currency": "EUR"}, "slot": slot})
}

async fn deal(ana: &Person, ben: &Person, hours_ahead: u64) -> Deal {
    let request = made(ana, "/requests", request()).await;
    let offer = made(ben, &format!("/requests/{request}/offers"), offer(hours_ahead)).await;
    let accepted = ana.post(&format!("/offers/{offer}/accept"), json!({"version": 1})).await.ok();
    let booking = accepted["booking_id"].as_str().unwrap().to_owned();
    let found = ana.get(&format!("/bookings/{booking}")).await.ok();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    Deal { request, offer, booking, session: text("session_id"), project: text("project_id") }
}

/// Every way that a booking takes, so that no state that is reached rightly is called a fault.
async fn called_off_and_agreed_again(ana: &Person, ben: &Person) {
    let Deal { request, booking, .. } = deal(ana, ben, 100).await;
    ana.post(&format!("/bookings/{booking}/cancel"), Value::Null).await.ok();
    let again = made(ben, &format!("/requests/{request}/offers"), offer(100)).await;
    ana.post(&format!("/offers/{again}/accept"), json!({"version": 1})).await.ok();
    for (hours_ahead, ending) in [(102, "complete"), (104, "cancel")] {
        let booking = deal(ana, ben, hours_ahead).await.booking;
        ben.post(&format!("/bookings/{booking}/start"), Value::Null).await.ok();
        ana.post(&format!("/bookings/{booking}/{ending}"), Value::Null).await.ok();
    }
    let cancelled = made(ana, "/requests", request_with_offer(ana, ben).await).await;
    ana.post(&format!("/requests/{cancelled}/cancel"), Value::Null).await.ok();
}

/// The body of a request, after another one got an offer that was withdrawn.
async fn request_with_offer(ana: &Person, ben: &Person) -> Value {
    let withdrawn = made(ana, "/requests", request()).await;
    let offer = made(ben, &format!("/requests/{withdrawn}/offers"), offer(106)).await;
    ben.post(&format!("/offers/{offer}/withdraw"), Value::Null).await.ok();
    request()
}

/// A message in the chat, which its sender has read.
async fn talk(ana: &Person, session: &str) -> String {
    let room = format!("session:{session}");
    let mut socket: Socket = ana.live().await;
    socket.ack(json!({"type": "join", "room": room})).await;
    let message = json!({"type": "chat_message", "room": room, "client_msg_id": "m-1", "text": "hello"});
    let sent = socket.ack(message).await;
    socket.ack(json!({"type": "read", "room": room, "seq": sent["seq"]})).await;
    socket.close().await;
    sent["message_id"].as_str().unwrap().to_owned()
}

/// A project of ana's with two tasks, one of them ben's, who was invited.
async fn plan(ana: &Person, ben: &Person) -> (String, Vec<String>, Vec<String>, String) {
    let board = made(ana, "/projects", json!({"title": "The bathroom"})).await;
    let project = format!("/projects/{board}");
    let invited = ana.post(&format!("{project}/invitations"), json!({"role": "editor"})).await.ok();
    ben.post("/invitations/accept", json!({"secret": invited["secret"]})).await.ok();
    let first = made(ana, &format!("{project}/tasks"), json!({"title": "Tiles"})).await;
    let second = json!({"title": "Tub", "assignee_id": ben.id, "labels": ["heavy"]});
    let second = made(ana, &format!("{project}/tasks"), second).await;
    let columns = ana.get(&format!("{project}/columns")).await.ok();
    let columns = columns["items"].as_array().unwrap().iter().map(|column| id(column).to_owned()).collect();
    (board, columns, vec![first, second], id(&invited).to_owned())
}
